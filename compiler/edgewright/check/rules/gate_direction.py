"""A gate bounds its metric on the side where it gets worse."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.gates import gates
from edgewright.check.measures import MEASURES
from edgewright.check.rule import Subject
from edgewright.check.rules.gate_always_passes import is_empty
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Gates with one bound, on the side where more is better, or less is."""
    for gate, path in gates(subject):
        measure = MEASURES.get(gate.metric)
        if measure is None or measure.better is None or is_empty(gate, measure):
            continue
        if measure.better == "high" and gate.min is None:
            message = f"more {gate.metric} is better, but the gate only has max: {gate.max:g}"
            yield subject.warning("gate-direction", message, (*path, "max"), hint="write min, or both")
        elif measure.better == "low" and gate.max is None:
            message = f"less {gate.metric} is better, but the gate only has min: {gate.min:g}"
            yield subject.warning("gate-direction", message, (*path, "min"), hint="write max, or both")
