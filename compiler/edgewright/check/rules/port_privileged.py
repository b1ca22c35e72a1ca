"""A service may open its port."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.placed import Finding, report
from edgewright.check.whole import Whole
from edgewright.kernel.diagnostics import Diagnostic

_FIRST_FREE = 1024


def check(whole: Whole) -> Iterator[Diagnostic]:
    """Ports below 1024 of services that a process of an ordinary user supervises: no unit of systemd opens them."""
    yield from report(whole, "port-privileged", _refused(whole))


def _refused(whole: Whole) -> Iterator[Finding]:
    hint = f"write a port from {_FIRST_FREE} on, become: true, or supervisor: systemd"
    for placed in whole.placed:
        device, connection = placed.device, placed.device.connection
        is_plain = connection.user not in (None, "root") and not connection.become
        if device.supervisor != "process" or not is_plain:
            continue
        for loaded in whole.blueprints_of_fleet.get(placed.fleet_name, ())[:1]:
            port = device.port or loaded.document.spec.service.port
            if port < _FIRST_FREE:
                message = (
                    f"{device.name} would listen at port {port} as {connection.user}; below {_FIRST_FREE} is root's"
                )
                yield Finding(placed, message, hint, ("servicePort",) if device.port is not None else ())
