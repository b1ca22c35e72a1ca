"""The contract of a metric set, for every metric set in the registry."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest
from tests.contract.documents import REGISTRY, blueprints, profiles
from tests.contract.steps import assert_step_keeps_the_contract

from edgewright.evaluate.table import COLUMNS
from edgewright.plugins.protocols import MetricSet
from edgewright.spec.v1beta1.blueprint import Task

UNITS = {"", "B", "s", "tokens/s"}


@pytest.fixture(params=REGISTRY.names("metrics"))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def metrics(name: str) -> Any:
    return REGISTRY.metrics(name)


def test_it_satisfies_the_protocol_for_its_own_task(name: str, metrics: Any) -> None:
    assert isinstance(metrics, MetricSet)
    assert metrics.task == name
    assert name in get_args(Task)


def test_its_metrics_have_names_that_gates_can_write_and_known_units(metrics: Any) -> None:
    assert metrics.metrics
    for metric, unit in metrics.metrics.items():
        assert re.fullmatch(r"[a-z][a-z0-9_]{0,63}", metric)
        assert unit in UNITS


def test_its_metrics_cannot_be_changed_by_a_caller(metrics: Any) -> None:
    with pytest.raises(TypeError):
        metrics.metrics["new_metric"] = ""


def test_every_gate_of_the_example_can_be_measured(name: str, metrics: Any) -> None:
    for gate in blueprints()[name].gates:
        assert gate.metric in metrics.metrics, gate.metric


def test_every_column_of_the_table_of_recipes_is_measured(name: str, metrics: Any) -> None:
    assert {column.metric for column in COLUMNS[name]} <= set(metrics.metrics)


def test_size_and_cost_and_correctness_are_always_among_them(metrics: Any) -> None:
    common = {"artifact_size", "peak_memory", "latency_median", "latency_p95", "tokenizer_parity", "reference_vector"}
    assert common <= set(metrics.metrics)


def test_its_step_reads_artifact_reference_and_dataset_and_keeps_the_contract(metrics: Any) -> None:
    for target in profiles().values():
        for backend in REGISTRY.names("backends"):
            step = metrics.step(backend, target, 4096)
            assert set(step.inputs.values()) == {"artifact", "canonical", "dataset"}
            assert_step_keeps_the_contract(step)


def test_its_step_is_pure(metrics: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    target = profiles()["x86-64-v3"]
    before = metrics.step("onnxruntime", target, 1000)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EDGEWRIGHT_CACHE", str(tmp_path))
    assert type(metrics)().step("onnxruntime", target, 1000) == before


def test_its_step_says_that_times_are_not_deterministic(metrics: Any) -> None:
    assert metrics.step("onnxruntime", profiles()["x86-64-v3"], 1000).determinism == "not"


def test_more_text_and_another_architecture_are_other_evaluations(metrics: Any) -> None:
    x86, arm = profiles()["x86-64-v3"], profiles()["raspberry-pi-5-8g"]
    options = [
        metrics.step("onnxruntime", x86, 1000).options,
        metrics.step("onnxruntime", x86, 2000).options,
        metrics.step("onnxruntime", arm, 1000).options,
    ]
    assert options[0] != options[1]
    assert options[0] != options[2]
