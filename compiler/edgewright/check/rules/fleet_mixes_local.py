"""A fleet of other machines has no device that is the controller itself."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import warning_at
from edgewright.check.whole import MOST_REPORTED, Whole
from edgewright.kernel.diagnostics import Diagnostic


def check(whole: Whole) -> Iterator[Diagnostic]:
    """Devices with a `local` connection, which a device without `connection` has too, beside those with ssh."""
    for _, fleet in sorted(whole.repository.fleets.items()):
        devices = fleet.document.spec.devices or ()
        local = [(index, device) for index, device in enumerate(devices) if device.connection.type == "local"]
        others = len(devices) - len(local)
        if not others:
            continue
        for index, device in local[:MOST_REPORTED]:
            message = f"{device.name} is the machine that edgewright runs on, {others} others are not"
            hint = "write connection: {type: ssh, host: …}, or keep local devices in a fleet of their own"
            yield warning_at(fleet, "fleet-mixes-local", message, ("spec", "devices", index), hint=hint)
