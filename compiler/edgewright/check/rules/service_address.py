"""The service listens at an address that exists."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """`service.address` is an IPv4 or IPv6 address."""
    address = subject.blueprint.spec.service.address
    try:
        ipaddress.ip_address(address)
    except ValueError:
        message = f"service.address is {address!r}, which is no IP address"
        hint = "write 127.0.0.1 for the device itself, or 0.0.0.0 for its network"
        yield subject.error("service-address", message, ("spec", "service", "address"), hint=hint)
