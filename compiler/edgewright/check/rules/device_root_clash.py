"""No two services have the same folder on a machine."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.occupants import clashes
from edgewright.check.placed import Finding, report
from edgewright.check.whole import Whole
from edgewright.kernel.diagnostics import Diagnostic


def check(whole: Whole) -> Iterator[Diagnostic]:
    """Roots of everything that is to run on a machine, over all fleets and blueprints."""
    yield from report(whole, "device-root-clash", _clashes(whole), more="more services want a folder that is taken")


def _clashes(whole: Whole) -> Iterator[Finding]:
    hint = "write another root for one of them, or give each its own machine"
    found = clashes(
        whole,
        own=lambda device: device.root,
        usual=lambda blueprint: f"/opt/edgewright/{blueprint.metadata.name}",
        taken=lambda _: {},
    )
    for clash in found:
        message = f"{clash.words} is to lie in {clash.what} of {clash.placed.machine_name}, where {clash.other} is"
        yield Finding(clash.placed, message, hint)
