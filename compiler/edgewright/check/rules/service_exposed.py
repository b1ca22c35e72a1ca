"""Nobody but the device itself reaches the service, unless that is wanted."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """`service.address` is one of the loopback: the service asks nobody for a password."""
    address = subject.blueprint.spec.service.address
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return
    if not parsed.is_loopback:
        message = f"service.address is {address!r}: whoever reaches the device may use the model, without a password"
        hint = "write 127.0.0.1, and let a proxy that knows its users stand before it"
        yield subject.warning("service-exposed", message, ("spec", "service", "address"), hint=hint)
