"""The ONNX backend on a random BERT: every recipe loads, answers and says what it is."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from tests.support.device_selftest import selftest
from tests.unit.backends_onnx.conftest import Runner

from edgewright.backends.onnxruntime.steps import build_step, export_step
from edgewright.compress.recipes import worker_recipe
from edgewright.kernel.diagnostics import EdgewrightError
from edgewright.spec.v1beta1.compression import Recipe

pytestmark = pytest.mark.frameworks
RECIPES: dict[str, dict[str, Any]] = {
    "float32": {},
    "int8-dynamic": {},
    "int8-static": {"calibration": {"dataset": "c.jsonl", "samples": 4}},
    "int8-weight-only": {},
    "int4-weight-only": {},
}


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def build(
    run: Runner, graph: Path, encoder: Path, tmp_path: Path, method: str, **more: Any
) -> tuple[Path, dict[str, Any]]:
    recipe = Recipe(name="r", method=method, **{**RECIPES[method], **more})  # type: ignore[arg-type]
    step = build_step(worker_recipe("onnxruntime", recipe), "aarch64", 64, reduce_range=False)
    texts = tmp_path / "c.jsonl"
    texts.write_text("".join(json.dumps({"text": f"abc {n} xyz"}) + "\n" for n in range(8)), encoding="utf-8")
    return run(step, {"onnx": graph, "canonical": encoder, "calibration": texts})


@pytest.fixture(scope="module")
def reference(run: Runner, graph: Path, encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[float]:
    folder, _ = build(run, graph, encoder, tmp_path_factory.mktemp("float32"), "float32")
    vector: list[float] = read(folder / "test_vector.json")["embedding"]
    return vector


def test_two_exports_are_byte_identical_and_agree_with_the_framework(run: Runner, graph: Path, encoder: Path) -> None:
    again, facts = run(export_step(), {"model": encoder})
    assert (again / "model" / "model.onnx").read_bytes() == (graph / "model" / "model.onnx").read_bytes()
    assert facts["difference_from_framework"] < 1e-5


@pytest.mark.parametrize(
    ("method", "lowest"),
    [("int8-dynamic", 0.99), ("int8-static", 0.99), ("int8-weight-only", 0.999), ("int4-weight-only", 0.97)],
)
def test_a_recipe_gives_an_artifact_that_stays_near_float32(
    run: Runner, graph: Path, encoder: Path, tmp_path: Path, reference: list[float], method: str, lowest: float
) -> None:
    folder, facts = build(run, graph, encoder, tmp_path, method)
    document, vector = read(folder / "artifact.json"), read(folder / "test_vector.json")
    assert document["recipe"]["method"] == method
    assert (document["architecture"], document["context"]) == ("aarch64", 64)
    assert {path.name for path in (folder / "tokenizer").iterdir()} >= {"tokenizer.json", "tokenizer_config.json"}
    assert sum(a * b for a, b in zip(vector["embedding"], reference, strict=True)) > lowest
    assert math.isclose(sum(a * a for a in vector["embedding"]), 1, abs_tol=1e-3)
    assert "min_cosine" in vector["tolerance"]
    assert facts["model_bytes"] < 0.6 * (graph / "model" / "model.onnx").stat().st_size


def test_a_device_accepts_an_artifact_whose_context_is_shorter_than_the_test_text(
    run: Runner, graph: Path, encoder: Path
) -> None:
    recipe = worker_recipe("onnxruntime", Recipe(name="r", method="float32"))
    step = build_step(recipe, "x86_64", 16, reduce_range=False)
    folder, _ = run(step, {"onnx": graph, "canonical": encoder})
    assert len(read(folder / "test_vector.json")["input_ids"]) == 16
    result = selftest("onnx", folder)["vector"]
    assert (result["ok"], result["message"]) == (True, None)


def test_two_builds_of_a_static_recipe_are_byte_identical(
    run: Runner, graph: Path, encoder: Path, tmp_path: Path
) -> None:
    first, _ = build(run, graph, encoder, tmp_path, "int8-static")
    second, _ = build(run, graph, encoder, tmp_path, "int8-static")
    for path in (path for path in first.rglob("*") if path.is_file()):
        assert path.read_bytes() == (second / path.relative_to(first)).read_bytes()


def test_an_eight_bit_embedding_is_smaller_than_a_float_one(
    run: Runner, graph: Path, encoder: Path, tmp_path: Path
) -> None:
    small, facts = build(run, graph, encoder, tmp_path, "int4-weight-only")
    large, other = build(run, graph, encoder, tmp_path, "int4-weight-only", embedding_bits=32)
    assert facts["operators"]["GatherBlockQuantized"] == 1
    assert other["model_bytes"] - facts["model_bytes"] > 1100 * 48 * 2
    assert read(small / "artifact.json")["recipe"]["embedding_bits"] == 8
    assert read(large / "artifact.json")["recipe"]["embedding_bits"] == 32


def test_an_empty_calibration_dataset_is_refused(run: Runner, graph: Path, encoder: Path, tmp_path: Path) -> None:
    recipe = Recipe(name="r", method="int8-static", calibration={"dataset": "c.jsonl", "samples": 4})  # type: ignore[arg-type]
    (tmp_path / "c.jsonl").write_text("\n", encoding="utf-8")
    step = build_step(worker_recipe("onnxruntime", recipe), "x86_64", 64, reduce_range=False)
    with pytest.raises(EdgewrightError) as caught:
        run(step, {"onnx": graph, "canonical": encoder, "calibration": tmp_path / "c.jsonl"})
    assert caught.value.diagnostics[0].slug == "calibration-unusable"
