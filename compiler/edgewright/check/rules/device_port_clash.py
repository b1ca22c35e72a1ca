"""No two services want the same port of a machine."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.occupants import clashes
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
    found = clashes(
        whole,
        own=lambda device: device.port,
        usual=lambda blueprint: blueprint.spec.service.port,
        taken=lambda machine: {machine[1]: "SSH"} if machine[1] else {},
    )
    for clash in found:
        here = clash.placed
        message = f"{clash.words} wants port {clash.what} of {here.machine_name}, which {clash.other} has"
        also = f"; so it is on all devices of {here.fleet_name} without a port of their own" if clash.is_usual else ""
        yield Finding(here, message + also, _HINT)
