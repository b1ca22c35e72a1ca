"""A device that is in two fleets is the same device in both."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import warning_at
from edgewright.check.whole import MOST_REPORTED, Placed, Whole
from edgewright.kernel.diagnostics import Diagnostic


def check(whole: Whole) -> Iterator[Diagnostic]:
    """Target and connection of devices that have one name."""
    first: dict[str, Placed] = {}
    told = 0
    for placed in whole.placed:
        device = placed.device
        other = first.setdefault(device.name, placed)
        differs = [
            word
            for word, mine, its in (
                ("target", device.target, other.device.target),
                ("connection", device.connection, other.device.connection),
            )
            if mine != its
        ]
        if differs and told < MOST_REPORTED:
            told += 1
            message = f"{device.name} has another {' and '.join(differs)} in the fleet {other.fleet_name}"
            note = f"the other is at {other.fleet.spans.span(other.path)}"
            hint = "write the same in both, or give one of them another name"
            path = (*placed.path, "name")
            yield warning_at(placed.fleet, "device-differs", message, path, hint=hint, notes=(note,))
