"""Every device is of a target that exists."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import error_at
from edgewright.check.whole import MOST_REPORTED, Whole
from edgewright.kernel.diagnostics import Diagnostic, did_you_mean


def check(whole: Whole) -> Iterator[Diagnostic]:
    """Targets of the devices that are written in fleet documents."""
    targets, broken = whole.repository.targets, whole.repository.broken
    for _, fleet in sorted(whole.repository.fleets.items()):
        wrong = [
            (index, device)
            for index, device in enumerate(fleet.document.spec.devices or ())
            if device.target not in targets and ("Target", device.target) not in broken
        ]
        for index, device in wrong[:MOST_REPORTED]:
            message = f"{device.name} has the target {device.target!r}, which does not exist"
            path = ("spec", "devices", index, "target")
            yield error_at(fleet, "device-target", message, path, hint=did_you_mean(device.target, targets))
        if len(wrong) > MOST_REPORTED:
            message = f"{len(wrong) - MOST_REPORTED} more devices have a target that does not exist"
            yield error_at(fleet, "device-target", message, ("spec", "devices"))
