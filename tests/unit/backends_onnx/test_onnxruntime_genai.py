"""The GenAI backend on a random llama: every recipe loads and answers; the one that would not is caught."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.unit.backends_onnx.conftest import Runner
from tests.unit.backends_onnx.requests import build_request

from edgewright.backends.onnxruntime_genai.plugin import GenAIBackend
from edgewright.kernel.diagnostics import EdgewrightError
from edgewright.plugins.protocols import WorkerStep
from edgewright.spec.v1beta1.compression import Recipe

pytestmark = pytest.mark.frameworks


def step_of(method: str, **options: Any) -> WorkerStep:
    request = build_request(Recipe(name="r", method=method, **options), context=128)  # type: ignore[arg-type]
    assert GenAIBackend().refuse(request) is None
    return GenAIBackend().steps(request)[0][1]


Built = Callable[..., tuple[Path, dict[str, Any]]]


@pytest.fixture(scope="module")
def built(run: Runner, decoder: Path) -> Built:
    """The artifact of a method and its options, built when first asked for."""

    @cache
    def build(method: str, **options: Any) -> tuple[Path, dict[str, Any]]:
        return run(step_of(method, **options), {"canonical": decoder})

    return build


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("method", "options", "embedding"),
    [
        ("float32", {}, "builder"),
        ("int8-weight-only", {}, "shared"),
        ("int8-weight-only", {"embedding_bits": 32}, "builder"),
        ("int4-weight-only", {}, "builder"),
        ("int4-weight-only", {"algorithm": "rtn", "group_size": 64}, "builder"),
        ("int4-weight-only", {"algorithm": "k-quant", "mixed_int8": True}, "builder"),
        ("int4-weight-only", {"algorithm": "k-quant", "mixed_int8": True, "embedding_bits": 8}, "shared"),
        ("int4-weight-only", {"symmetric": False, "embedding_bits": 8}, "own"),
    ],
)
def test_a_recipe_gives_an_artifact_that_loads_and_answers(
    built: Built, method: str, options: dict[str, Any], embedding: str
) -> None:
    folder, facts = built(method, **options)
    assert facts["embedding"] == embedding
    document, vector = read(folder / "artifact.json"), read(folder / "test_vector.json")
    assert document["model"]["eos_token_ids"] == [2]
    assert document["context"] == read(folder / "model" / "genai_config.json")["model"]["context_length"] == 128
    assert len(vector["token_ids"]) >= 1
    assert vector["token_ids"][0] == vector["logits_top"][0][0]
    assert (folder / "tokenizer" / "chat_template.jinja").is_file()
    names = {path.name for path in (folder / "model").iterdir()}
    assert names == {"model.onnx", "model.onnx.data", "genai_config.json"}


def test_the_shared_embedding_is_smaller_and_answers_like_the_float_one(built: Built) -> None:
    shared, facts = built("int8-weight-only")
    plain, others = built("int8-weight-only", embedding_bits=32)
    assert others["model_bytes"] - facts["model_bytes"] > 0.9 * 1100 * 64 * 4
    first, second = (dict(read(folder / "test_vector.json")["logits_top"]) for folder in (shared, plain))
    both = set(first) & set(second)
    assert both
    assert max(abs(first[token] - second[token]) for token in both) < 0.05


def test_two_builds_are_byte_identical(run: Runner, decoder: Path, built: Built) -> None:
    first, _ = built("int8-weight-only")
    second, _ = run(step_of("int8-weight-only"), {"canonical": decoder})
    for path in (path for path in first.rglob("*") if path.is_file()):
        assert path.read_bytes() == (second / path.relative_to(first)).read_bytes()


def test_a_model_that_builds_and_does_not_load_is_caught_by_the_load_test(run: Runner, decoder: Path) -> None:
    good = step_of("int4-weight-only")
    recipe = {**good.options["recipe"], "symmetric": False}
    with pytest.raises(EdgewrightError) as caught:
        run(replace(good, options={**good.options, "recipe": recipe}), {"canonical": decoder})
    assert caught.value.diagnostics[0].slug == "artifact-unloadable"
