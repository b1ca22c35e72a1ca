"""No two services have the same folder on a machine."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.occupants import occupants
from edgewright.check.rule import error_at
from edgewright.check.whole import MOST_REPORTED, Whole
from edgewright.kernel.diagnostics import Diagnostic


def check(whole: Whole) -> Iterator[Diagnostic]:
    """Roots of everything that is to run on a machine, over all fleets and blueprints."""
    told = 0
    for placed in whole.machines.values():
        seen: dict[str, str] = {}
        for here in occupants(whole, placed):
            other = seen.setdefault(here.root, here.words)
            if other == here.words:
                continue
            told += 1
            if told > MOST_REPORTED:
                message = "more services want a folder that is taken"
                yield error_at(here.placed.fleet, "device-root-clash", message, ("spec", "devices"))
                return
            message = f"{here.words} is to lie in {here.root} of {here.placed.machine_name}, where {other} is"
            hint = "write another root for one of them, or give each its own machine"
            yield error_at(here.placed.fleet, "device-root-clash", message, here.placed.path, hint=hint)
