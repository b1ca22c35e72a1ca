"""No two services have the same folder on a machine."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.occupants import occupants
from edgewright.check.placed import Finding, report
from edgewright.check.whole import Whole
from edgewright.kernel.diagnostics import Diagnostic


def check(whole: Whole) -> Iterator[Diagnostic]:
    """Roots of everything that is to run on a machine, over all fleets and blueprints."""
    yield from report(whole, "device-root-clash", _clashes(whole), more="more services want a folder that is taken")


def _clashes(whole: Whole) -> Iterator[Finding]:
    hint = "write another root for one of them, or give each its own machine"
    for placed in whole.machines.values():
        seen: dict[str, str] = {}
        for here in occupants(whole, placed):
            other = seen.setdefault(here.root, here.words)
            if other != here.words:
                message = f"{here.words} is to lie in {here.root} of {here.placed.machine_name}, where {other} is"
                yield Finding(here.placed, message, hint)
