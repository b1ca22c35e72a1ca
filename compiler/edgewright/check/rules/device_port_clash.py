"""No two services want the same port of a machine."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.occupants import occupants
from edgewright.check.rule import error_at
from edgewright.check.whole import MOST_REPORTED, Whole
from edgewright.kernel.diagnostics import Diagnostic


def check(whole: Whole) -> Iterator[Diagnostic]:
    """Ports of everything that is to run on a machine, over all fleets and blueprints; and the port of its SSH."""
    told = 0
    for machine, placed in whole.machines.items():
        seen: dict[int, str] = {machine[1]: "SSH"} if machine[1] else {}
        for here in occupants(whole, placed):
            other = seen.setdefault(here.port, here.words)
            if other == here.words or told > MOST_REPORTED:
                continue
            told += 1
            if told > MOST_REPORTED:
                message = "more services want a port that is taken"
                yield error_at(here.placed.fleet, "device-port-clash", message, ("spec", "devices"))
                return
            message = f"{here.words} wants port {here.port} of {here.placed.machine_name}, which {other} has"
            hint = "give one of them another port: port of the device, or spec.service.port of the blueprint"
            yield error_at(here.placed.fleet, "device-port-clash", message, here.placed.path, hint=hint)
