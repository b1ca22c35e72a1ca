"""No two services want the same port of a machine."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.occupants import occupants
from edgewright.check.placed import Finding, report
from edgewright.check.whole import Whole
from edgewright.kernel.diagnostics import Diagnostic

_HINT = (
    "give one of them another port: servicePort of the device, edgewright_port of a host, or spec.service.port of the "
    "blueprint"
)


def check(whole: Whole) -> Iterator[Diagnostic]:
    """Ports of everything that is to run on a machine, over all fleets and blueprints; and the port of its SSH."""
    yield from report(whole, "device-port-clash", _clashes(whole), more="more services want a port that is taken")


def _clashes(whole: Whole) -> Iterator[Finding]:
    for machine, placed in whole.machines.items():
        seen: dict[int, str] = {machine[1]: "SSH"} if machine[1] else {}
        for here in occupants(whole, placed):
            other = seen.setdefault(here.port, here.words)
            if other != here.words:
                message = f"{here.words} wants port {here.port} of {here.placed.machine_name}, which {other} has"
                yield Finding(here.placed, message, _HINT)
