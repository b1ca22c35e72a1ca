"""The table of recipes: measured numbers, empty cells, and the verdict of each row."""

from __future__ import annotations

from edgewright.evaluate.gates import Verdict
from edgewright.evaluate.measurements import NOTHING, Measurement, Measurements
from edgewright.evaluate.table import COLUMNS, Candidate, recipe_table
from edgewright.spec.v1beta1.blueprint import GateSpec

GATES = (GateSpec(metric="kl_divergence_mean", max=0.02), GateSpec(metric="top1_agreement", min=0.93))


def candidate(recipe: str, kl: float, top1: float, size: float, *, ships: bool = False) -> Candidate:
    values = {
        "kl_divergence_mean": Measurement(kl, "", 4096),
        "top1_agreement": Measurement(top1, "", 4096),
        "artifact_size": Measurement(size, "B", 1),
    }
    return Candidate(recipe, "onnxruntime-genai", "x86-64-v3", ships, Measurements(values))


def test_each_recipe_is_a_row_in_the_order_of_the_policy_with_its_verdict() -> None:
    table = recipe_table(
        "text-generation",
        GATES,
        [candidate("int8", 0.005, 0.952, 268.6e6, ships=True), candidate("int4", 0.407, 0.619, 88.1e6)],
    )
    assert [(row.recipe, row.verdict, row.ships) for row in table.rows] == [
        ("int8", Verdict.PASS, True),
        ("int4", Verdict.FAIL, False),
    ]
    assert table.rows[1].red == ("kl_divergence_mean", "top1_agreement")


def test_cells_follow_the_columns_and_stay_empty_when_not_measured() -> None:
    table = recipe_table("text-generation", GATES, [candidate("int8", 0.005, 0.952, 268.6e6)])
    texts = dict(zip((c.metric for c in table.columns), (cell.text for cell in table.rows[0].cells), strict=True))
    assert texts["artifact_size"] == "256.2 MiB"
    assert texts["kl_divergence_p99"] is None


def test_a_recipe_that_could_not_be_measured_is_a_row_without_numbers_and_red() -> None:
    unmeasured = Candidate("int4", "onnxruntime-genai", "x86-64-v3", False, NOTHING)
    (row,) = recipe_table("text-generation", GATES, [unmeasured]).rows
    assert row.verdict is Verdict.INCONCLUSIVE
    assert {cell.value for cell in row.cells} == {None}


def test_every_task_with_a_metric_set_has_columns() -> None:
    assert set(COLUMNS) == {"text-generation", "embeddings"}
