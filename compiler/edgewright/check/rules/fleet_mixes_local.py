"""A fleet of other machines has no device that is the controller itself."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from edgewright.check.placed import Finding, report
from edgewright.check.whole import Placed, Whole
from edgewright.kernel.diagnostics import Diagnostic, Severity


def check(whole: Whole) -> Iterator[Diagnostic]:
    """Devices with a `local` connection, which a device without `connection` has too, beside those with ssh."""
    for _, members in groupby(whole.placed, key=lambda placed: placed.fleet_name):
        yield from report(whole, "fleet-mixes-local", _mixed(list(members)), Severity.WARNING)


def _mixed(devices: list[Placed]) -> Iterator[Finding]:
    local = [placed for placed in devices if placed.device.connection.type == "local"]
    others = len(devices) - len(local)
    if others:
        hint = "write connection: {type: ssh, host: …}, or keep local devices in a fleet of their own"
        for placed in local:
            message = f"{placed.device.name} is the machine that edgewright runs on, {others} others are not"
            yield Finding(placed, message, hint)
