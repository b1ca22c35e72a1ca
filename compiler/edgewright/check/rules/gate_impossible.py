"""A gate can be passed."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.gates import gates
from edgewright.check.measures import MEASURES
from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Bounds outside of the values that a metric can have."""
    for gate, path in gates(subject):
        measure = MEASURES.get(gate.metric)
        if measure is None:
            continue
        if gate.min is not None and measure.highest is not None and gate.min > measure.highest:
            message = f"{gate.metric} is never above {measure.highest:g}, at least {gate.min:g} is wanted"
            share = 1 < gate.min <= 100 and measure.highest == 1
            hint = f"write min: {gate.min:g}%" if share else f"write a bound of at most {measure.highest:g}"
            yield subject.error("gate-impossible", message, (*path, "min"), hint=hint)
        if gate.max is not None and gate.max < measure.lowest:
            message = f"{gate.metric} is never below {measure.lowest:g}, at most {gate.max:g} is wanted"
            hint = f"write a bound of at least {measure.lowest:g}"
            yield subject.error("gate-impossible", message, (*path, "max"), hint=hint)
