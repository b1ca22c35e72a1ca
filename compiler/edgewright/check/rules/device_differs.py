"""A device that is in two fleets is the same device in both."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.placed import Finding, report
from edgewright.check.whole import Placed, Whole
from edgewright.kernel.diagnostics import Diagnostic, Severity


def check(whole: Whole) -> Iterator[Diagnostic]:
    """Target and connection of devices that have one name."""
    yield from report(whole, "device-differs", _differing(whole), Severity.WARNING)


def _differing(whole: Whole) -> Iterator[Finding]:
    first: dict[str, Placed] = {}
    for placed in whole.placed:
        device = placed.device
        other = first.setdefault(device.name, placed)
        if other is placed:
            continue
        differs = [
            word
            for word, mine, its in (
                ("target", device.target, other.device.target),
                ("connection", device.connection, other.device.connection),
            )
            if mine != its
        ]
        if differs:
            message = f"{device.name} has another {' and '.join(differs)} in the fleet {other.fleet_name}"
            hint = "write the same in both, or give one of them another name"
            yield Finding(placed, message, hint, ("name",), other)
