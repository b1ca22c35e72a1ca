"""Verdicts: what passes, what fails, what nobody measured."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewright.evaluate.explain import format_value, no_gate, red_gates
from edgewright.evaluate.gates import Verdict, judge, overall
from edgewright.evaluate.measurements import NOTHING, Measurement, Measurements
from edgewright.kernel.diagnostics import Span
from edgewright.spec.v1beta1.blueprint import GateSpec

SHIPS = {"kl_divergence_mean": 0.0050, "top1_agreement": 0.952, "artifact_size": 268_565_850.0}
REFUSED = {"kl_divergence_mean": 0.407, "top1_agreement": 0.619, "artifact_size": 88_079_665.0}


def measured(values: dict[str, float], **absent: str) -> Measurements:
    units = {"artifact_size": "B", "latency_median": "s"}
    entries = {name: Measurement(value, units.get(name, ""), 4096) for name, value in values.items()}
    return Measurements(entries, absent, {}, units)


def gate(metric: str, **rest: Any) -> GateSpec:
    return GateSpec.model_validate({"metric": metric, **rest})


GATES = (
    gate("kl_divergence_mean", max=0.02),
    gate("top1_agreement", min=0.93),
    gate("artifact_size", max="280MiB"),
    gate("peak_memory", max="700MiB", where="device"),
)


def verdicts(measurements: Measurements, gates: tuple[GateSpec, ...] = GATES) -> list[Verdict]:
    return [result.verdict for result in judge(gates, measurements, backend="onnxruntime-genai", target="x86-64-v3")]


def test_the_recipe_that_ships_passes_every_build_gate() -> None:
    assert verdicts(measured(SHIPS)) == [Verdict.PASS] * 3


def test_plain_int4_is_refused_by_both_quality_gates_although_it_is_small() -> None:
    assert verdicts(measured(REFUSED)) == [Verdict.FAIL, Verdict.FAIL, Verdict.PASS]
    assert overall(judge(GATES, measured(REFUSED), backend="b", target="t")) is Verdict.FAIL


def test_a_gate_that_nobody_measured_is_inconclusive_and_never_passes() -> None:
    assert verdicts(NOTHING) == [Verdict.INCONCLUSIVE] * 3
    assert overall(judge(GATES, NOTHING, backend="b", target="t")) is Verdict.INCONCLUSIVE


def test_the_reason_of_an_absent_metric_reaches_the_result() -> None:
    gates = (gate("latency_median", max="250ms"),)
    results = judge(gates, measured({}, latency_median="qemu-aarch64-static is missing"), backend="b", target="t")
    assert results[0].note == "qemu-aarch64-static is missing"
    assert results[0].unit == "s"


def test_the_bound_itself_passes() -> None:
    assert verdicts(measured({"kl_divergence_mean": 0.02}), GATES[:1]) == [Verdict.PASS]
    assert verdicts(measured({"top1_agreement": 0.93}), GATES[1:2]) == [Verdict.PASS]


def test_a_range_holds_on_both_sides() -> None:
    gates = (gate("perplexity_ratio", min=0.95, max=1.05),)
    found = [verdicts(measured({"perplexity_ratio": value}), gates)[0] for value in (0.9, 1.0, 1.1)]
    assert found == [Verdict.FAIL, Verdict.PASS, Verdict.FAIL]


def test_gates_of_other_targets_and_backends_do_not_apply() -> None:
    gates = (gate("a", max=1, targets=("other",)), gate("b", max=1, backends=("other",)), gate("c", max=1))
    results = judge(gates, measured({"c": 0.5}), backend="tvm", target="x86-64-v3")
    assert [(result.metric, result.index) for result in results] == [("c", 2)]


def test_device_gates_are_not_judged_at_build() -> None:
    assert [gate.metric for gate in GATES if gate.where == "device"] == ["peak_memory"]
    assert "peak_memory" not in {result.metric for result in judge(GATES, NOTHING, backend="b", target="t")}


def test_an_artifact_that_no_gate_covers_is_inconclusive() -> None:
    assert overall(()) is Verdict.INCONCLUSIVE
    assert "covered by 0 gates, at least 1" in no_gate(subject="search on riscv64-rvv", span=None).message


@given(value=st.floats(allow_nan=False, allow_infinity=False), bound=st.floats(allow_nan=False, allow_infinity=False))
def test_a_max_gate_and_a_min_gate_of_one_bound_disagree_except_on_it(value: float, bound: float) -> None:
    measurements = measured({"x": value})
    (low,) = judge((gate("x", min=bound),), measurements, backend="b", target="t")
    (high,) = judge((gate("x", max=bound),), measurements, backend="b", target="t")
    assert (low.verdict is Verdict.PASS) == (value >= bound)
    assert (high.verdict is Verdict.PASS) == (value <= bound)
    assert Verdict.PASS in (low.verdict, high.verdict)


def test_a_red_gate_is_told_with_both_numbers_at_its_own_place() -> None:
    place = Span("blueprint.yaml", 23, 7, 23, 40)
    results = judge(GATES, measured(REFUSED), backend="onnxruntime-genai", target="x86-64-v3")
    told = red_gates(results, subject="store-assistant on x86-64-v3 (int4)", span_of=lambda index: place)
    assert [d.slug for d in told] == ["gate-failed", "gate-failed"]
    assert told[0].message == (
        "store-assistant on x86-64-v3 (int4): kl_divergence_mean is 0.407, at most 0.02 is allowed"
    )
    assert told[0].span == place
    assert told[0].hint is not None


def test_an_unmeasured_gate_is_told_as_unmeasured_with_its_bound_in_its_unit() -> None:
    gates = (gate("artifact_size", max="280MiB"),)
    results = judge(gates, measured({}, artifact_size="the build was ended"), backend="b", target="t")
    (told,) = red_gates(results, subject="s", span_of=lambda index: None)
    assert told.slug == "gate-not-measured"
    assert told.message == "s: artifact_size has no value, at most 280.0 MiB is allowed"
    assert told.notes == ("the build was ended",)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0050409, "", "0.00504"),
        (0.9935672, "", "0.993567"),
        (1.0, "", "1"),
        (0.618896, "", "0.619"),
        (79.949, "tokens/s", "79.9 tokens/s"),
        (268565850, "B", "256.1 MiB"),
        (0.27696, "s", "277 ms"),
    ],
)
def test_numbers_are_written_for_people(value: float, unit: str, text: str) -> None:
    assert format_value(value, unit) == text
