"""Whoever logs in on a device may install a systemd unit there."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import warning_at
from edgewright.check.whole import MOST_REPORTED, Whole
from edgewright.kernel.diagnostics import Diagnostic


def check(whole: Whole) -> Iterator[Diagnostic]:
    """Devices supervised by systemd whose user is written, is not root, and does not become it."""
    told = 0
    for placed in whole.placed:
        device, connection = placed.device, placed.device.connection
        is_plain = connection.user not in (None, "root") and not connection.become
        if device.supervisor == "systemd" and is_plain and told < MOST_REPORTED:
            told += 1
            message = f"{device.name} is entered as {connection.user}, who may not install systemd units"
            hint = "write become: true, or supervisor: process"
            yield warning_at(placed.fleet, "device-needs-become", message, (*placed.path, "connection"), hint=hint)
