"""Gate verdicts: conditions and measurements in, verdicts with their numbers out.

Pure. Owns which gate applies to which build and what each verdict is. Invariants: a gate whose metric was not measured
is inconclusive, and inconclusive is red like fail; an artifact that no gate covers is inconclusive too; the bound
itself passes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from edgewright.evaluate.measurements import Measurements
from edgewright.spec.v1beta1.blueprint import GateSpec


class Verdict(StrEnum):
    """What a gate says. Only `pass` is green."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate applied to one artifact. `index` is the gate's place in the blueprint's list, for its span."""

    metric: str
    min: float | None
    max: float | None
    value: float | None
    unit: str
    verdict: Verdict
    index: int
    note: str | None = None


def judge(
    gates: Sequence[GateSpec], measurements: Measurements, *, backend: str, target: str
) -> tuple[GateResult, ...]:
    """Verdicts of the `where: build` gates that apply, in the order of the blueprint."""
    return tuple(
        _judge(index, gate, measurements)
        for index, gate in enumerate(gates)
        if gate.where == "build" and gate.covers(target=target, backend=backend)
    )


def overall(results: Iterable[GateResult]) -> Verdict:
    """The artifact's verdict: its worst gate; no gate at all judges nothing."""
    verdicts = {result.verdict for result in results}
    for worst in (Verdict.FAIL, Verdict.INCONCLUSIVE):
        if worst in verdicts:
            return worst
    return Verdict.PASS if verdicts else Verdict.INCONCLUSIVE


def _judge(index: int, gate: GateSpec, measurements: Measurements) -> GateResult:
    measurement = measurements.values.get(gate.metric)
    if measurement is None:
        reason = measurements.why_absent(gate.metric)
        unit = measurements.units.get(gate.metric, "")
        return GateResult(gate.metric, gate.min, gate.max, None, unit, Verdict.INCONCLUSIVE, index, reason)
    value = measurement.value
    # written so that a value that compares with nothing fails
    is_inside = (gate.min is None or value >= gate.min) and (gate.max is None or value <= gate.max)
    verdict = Verdict.PASS if is_inside else Verdict.FAIL
    return GateResult(gate.metric, gate.min, gate.max, value, measurement.unit, verdict, index, measurement.note)
