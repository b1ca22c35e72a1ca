"""Whoever logs in on a device may install a systemd unit there."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.placed import Finding, report
from edgewright.check.whole import Whole
from edgewright.kernel.diagnostics import Diagnostic, Severity


def check(whole: Whole) -> Iterator[Diagnostic]:
    """Devices supervised by systemd whose user is written, is not root, and does not become it."""
    yield from report(whole, "device-needs-become", _powerless(whole), Severity.WARNING)


def _powerless(whole: Whole) -> Iterator[Finding]:
    for placed in whole.placed:
        device, connection = placed.device, placed.device.connection
        is_plain = connection.user not in (None, "root") and not connection.become
        if device.supervisor == "systemd" and is_plain:
            message = f"{device.name} is entered as {connection.user}, who may not install systemd units"
            yield Finding(placed, message, "write become: true, or supervisor: process", ("connection",))
