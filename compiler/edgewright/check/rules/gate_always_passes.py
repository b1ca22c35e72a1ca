"""A gate can fail."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.gates import gates
from edgewright.check.measures import MEASURES, Measure
from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic
from edgewright.spec.v1beta1.blueprint import GateSpec


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Gates whose every bound is met by every value that the metric can have."""
    for gate, path in gates(subject):
        measure = MEASURES.get(gate.metric)
        if measure is not None and is_empty(gate, measure):
            high = "" if measure.highest is None else f" to {measure.highest:g}"
            message = f"the gate on {gate.metric} cannot fail: its values are {measure.lowest:g}{high or ' and more'}"
            hint = "write the bound that the model has to keep, or delete the gate"
            yield subject.warning("gate-always-passes", message, path, hint=hint)


def is_empty(gate: GateSpec, measure: Measure) -> bool:
    """Whether no value can break the gate."""
    is_low = gate.min is None or gate.min <= measure.lowest
    is_high = gate.max is None or (measure.highest is not None and gate.max >= measure.highest)
    return is_low and is_high
