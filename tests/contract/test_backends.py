"""The contract of a backend, for every backend in the registry."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest
from tests.contract.documents import METHODS, REGISTRY, blueprints, buildable, requests
from tests.contract.steps import GIVEN_INPUTS, assert_step_keeps_the_contract

from edgewright.kernel.digest import canonical_json
from edgewright.plugins.protocols import Backend, Refusal, RuntimeNeeds
from edgewright.spec.v1beta1.blueprint import Task
from edgewright.spec.v1beta1.target import Architecture


@pytest.fixture(params=REGISTRY.names("backends"))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def backend(name: str) -> Any:
    return REGISTRY.backend(name)


def test_it_satisfies_the_protocol_and_says_what_it_builds(backend: Any) -> None:
    assert isinstance(backend, Backend)
    assert backend.tasks
    assert backend.tasks <= set(get_args(Task))
    assert backend.methods
    assert backend.methods <= set(METHODS)
    assert backend.architectures
    assert backend.architectures <= set(get_args(Architecture))


def test_every_task_it_builds_has_a_metric_set(backend: Any) -> None:
    assert backend.tasks <= set(REGISTRY.names("metrics"))


def test_it_builds_something_of_each_declared_method_and_architecture(backend: Any) -> None:
    built = buildable(backend)
    assert {request.recipe.method for request in built} == set(backend.methods)
    assert {request.target.architecture for request in built} == set(backend.architectures)


def test_it_refuses_what_it_does_not_declare(backend: Any) -> None:
    for request in requests(backend):
        declared = request.recipe.method in backend.methods and request.target.architecture in backend.architectures
        if not declared:
            assert isinstance(backend.refuse(request), Refusal), f"{request.recipe.method} on {request.target_name}"


def test_its_refusals_are_diagnostics(backend: Any) -> None:
    refusals = [refusal for request in requests(backend) if (refusal := backend.refuse(request)) is not None]
    assert refusals, "nothing is refused: 32-bit ARM at least is among the requests"
    for refusal in refusals:
        assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", refusal.slug)
        assert not refusal.message.endswith((".", "!")), refusal.message
        assert "\n" not in refusal.message
        assert not refusal.message.lower().startswith("invalid"), refusal.message
        assert len(refusal.message) > 20


def test_refusing_is_pure(backend: Any) -> None:
    assert [backend.refuse(request) for request in requests(backend)] == [
        backend.refuse(request) for request in requests(backend)
    ]


def test_steps_chain_from_given_inputs_to_the_artifact(backend: Any) -> None:
    for request in buildable(backend):
        known = set(GIVEN_INPUTS)
        if request.recipe.calibration is None:
            known.discard("calibration")
        names = []
        for output, step in backend.steps(request):
            assert set(step.inputs.values()) <= known, f"{output} reads {set(step.inputs.values()) - known}"
            assert output not in known, f"{output} is made twice"
            known.add(output)
            names.append(output)
        assert names[-1] == "artifact"


def test_steps_keep_the_contract_of_workers(backend: Any) -> None:
    distinct = {
        canonical_json({"module": step.module, "packages": step.packages, "options": step.options}): step
        for request in buildable(backend)
        for _, step in backend.steps(request)
    }
    for step in distinct.values():
        assert_step_keeps_the_contract(step)


def test_steps_are_pure(backend: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = [backend.steps(request) for request in buildable(backend)]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("EDGEWRIGHT_CACHE", str(tmp_path))
    fresh = type(backend)()
    assert [fresh.steps(request) for request in buildable(fresh)] == before


def test_different_recipes_are_different_builds(backend: Any) -> None:
    for request in buildable(backend):
        others = [other for other in buildable(backend) if other.target_name == request.target_name]
        same = [
            other.recipe
            for other in others
            if other.blueprint == request.blueprint
            and [step.options for _, step in backend.steps(other)]
            == [step.options for _, step in backend.steps(request)]
        ]
        methods = {recipe.method for recipe in same}
        assert methods == {request.recipe.method}, f"{methods} give the same build"


def test_the_first_steps_are_shared_by_targets(backend: Any) -> None:
    """What does not depend on the target is built once: all steps but the last have equal options for all targets."""
    for task in backend.tasks:
        prefixes = {
            canonical_json([[output, step.step, step.options] for output, step in backend.steps(request)[:-1]])
            for request in buildable(backend)
            if request.blueprint == blueprints().get(task) and request.recipe.name == "float32"
        }
        assert len(prefixes) <= 1


def test_runtime_needs_are_exact(backend: Any) -> None:
    for request in buildable(backend):
        needs = backend.runtime(request)
        assert isinstance(needs, RuntimeNeeds)
        assert needs == backend.runtime(request)
        assert 2**20 < needs.memory_bytes < 2**32
        for wheel in needs.wheels:
            assert re.fullmatch(r"\d+(\.\d+)*([a-z0-9.]+)?", wheel.version), wheel


def test_bits_per_weight_follow_the_method(backend: Any) -> None:
    for request in buildable(backend):
        bits = backend.bits_per_weight(request.recipe)
        assert 2 <= bits <= 32
        if request.recipe.method == "float32":
            assert bits == 32
        else:
            assert bits < 32
