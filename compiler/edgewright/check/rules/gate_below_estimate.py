"""A gate on size or memory is not far below what the build is estimated to need."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.estimates import Estimated
from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic
from edgewright.kernel.units import format_size

_SMALLEST_SIZE = 1024
"""What is below lacks its unit, which is another rule."""
_TOLERANCE = 0.8
"""Estimates leave out what compilers save; a bound above this share of one may still be met."""


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Upper bounds of `artifact_size` against the weights, of `peak_memory` against the whole estimate."""
    for index, gate in enumerate(subject.blueprint.spec.gates):
        if gate.max is None or gate.max < _SMALLEST_SIZE or gate.metric not in ("artifact_size", "peak_memory"):
            continue
        judged = subject.targets_of(gate)
        over = [
            (needed, found)
            for found in subject.estimated
            if found.variant.target_name in judged
            for needed in (_needed(found, gate.metric),)
            if gate.max < _TOLERANCE * needed
        ]
        if over:
            needed, found = max(over, key=lambda item: item[0])
            message = (
                f"{gate.metric} may be at most {format_size(gate.max)}, {format_size(needed)} is estimated for "
                f"{found.variant.target_name}"
            )
            hint = "raise the bound, or compress more"
            note = f"{len(over)} of {len(judged)} builds: {', '.join(sorted(f.variant.target_name for _, f in over))}"
            yield subject.warning(
                "gate-below-estimate", message, ("spec", "gates", index, "max"), hint=hint, notes=(note,)
            )


def _needed(found: Estimated, metric: str) -> float:
    return found.weights if metric == "artifact_size" else found.memory.value
