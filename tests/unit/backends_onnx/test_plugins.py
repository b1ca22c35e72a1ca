"""What the two backends promise and refuse, without running a framework."""

from __future__ import annotations

import pytest
from tests.unit.backends_onnx.requests import build_request

from edgewright.backends.onnxruntime.plugin import OnnxRuntimeBackend
from edgewright.backends.onnxruntime.steps import export_step
from edgewright.backends.onnxruntime_genai.plugin import GenAIBackend
from edgewright.plugins.identity import pins, staged_sources
from edgewright.plugins.protocols import Backend, Importer
from edgewright.sources.canonical.plugin import CanonicalImporter
from edgewright.spec.v1beta1.compression import Recipe

DYNAMIC = Recipe(name="r", method="int8-dynamic")
INT8 = Recipe(name="r", method="int8-weight-only")


def test_the_plugins_keep_their_protocols() -> None:
    assert isinstance(OnnxRuntimeBackend(), Backend)
    assert isinstance(GenAIBackend(), Backend)
    assert isinstance(CanonicalImporter(), Importer)


def test_the_export_is_shared_by_all_targets() -> None:
    first = OnnxRuntimeBackend().steps(build_request(DYNAMIC))
    second = OnnxRuntimeBackend().steps(build_request(DYNAMIC, architecture="aarch64"))
    assert first[0] == second[0] == ("onnx", export_step())
    assert first[1] != second[1]


@pytest.mark.parametrize(
    ("architecture", "has_int8_dot", "reduced"),
    [("x86_64", False, True), ("x86_64", True, False), ("aarch64", False, False), ("aarch64", True, False)],
)
def test_only_x86_without_vnni_gives_up_a_bit(architecture: str, has_int8_dot: bool, reduced: bool) -> None:
    request = build_request(DYNAMIC, architecture=architecture, has_int8_dot=has_int8_dot)
    step = OnnxRuntimeBackend().steps(request)[-1][1]
    assert step.options["reduce_range"] is reduced


def test_calibration_is_an_input_of_the_static_recipe_alone() -> None:
    static = Recipe(name="r", method="int8-static", calibration={"dataset": "c.jsonl"})  # type: ignore[arg-type]
    assert "calibration" in OnnxRuntimeBackend().steps(build_request(static))[-1][1].inputs
    assert "calibration" not in OnnxRuntimeBackend().steps(build_request(DYNAMIC))[-1][1].inputs


@pytest.mark.parametrize("backend", [OnnxRuntimeBackend(), GenAIBackend()])
def test_an_architecture_without_wheels_is_refused(backend: Backend) -> None:
    recipe = DYNAMIC if isinstance(backend, OnnxRuntimeBackend) else INT8
    assert backend.refuse(build_request(recipe)) is None
    for architecture in ("armv7", "riscv64"):
        refusal = backend.refuse(build_request(recipe, architecture=architecture))
        assert refusal is not None
        assert refusal.slug == "runtime-unavailable"
        assert architecture in refusal.message


@pytest.mark.parametrize("backend", [OnnxRuntimeBackend(), GenAIBackend()])
def test_sequence_lengths_without_effect_are_refused(backend: Backend) -> None:
    refusal = backend.refuse(build_request(INT8, sequence_lengths=(32,)))
    assert refusal is not None
    assert refusal.slug == "sequence-lengths-unused"


@pytest.mark.parametrize(("backend", "environment"), [(OnnxRuntimeBackend(), "onnx"), (GenAIBackend(), "genai")])
def test_the_device_gets_the_versions_that_the_artifact_was_tested_with(backend: Backend, environment: str) -> None:
    needs = backend.runtime(build_request(INT8))
    for wheel in needs.wheels:
        assert pins(environment)[wheel.package] == wheel.version


def test_workers_are_staged_without_the_compiler() -> None:
    steps = [
        CanonicalImporter().step("embeddings", None, 64),
        export_step(),
        GenAIBackend().steps(build_request(INT8))[0][1],
    ]
    for step in steps:
        names = staged_sources(step.packages)
        assert f"{step.module.replace('.', '/')}/__main__.py" in names
        assert not [name for name in names if name.endswith(("plugin.py", "protocols.py")) or "/spec/" in name]
