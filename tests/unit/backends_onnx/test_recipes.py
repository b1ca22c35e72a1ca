"""Recipes: which options each method takes, what is refused and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from edgewright.compress.options import OPTIONS, UnknownOptionError, bits_per_weight, resolve
from edgewright.compress.recipes import recipe_bits, refuse_recipe, worker_recipe
from edgewright.spec.v1beta1.compression import Recipe

ONNX, GENAI = "onnxruntime", "onnxruntime-genai"


def recipe(**fields: Any) -> Recipe:
    return Recipe(name="r", **fields)


def message(backend: str, **fields: Any) -> str:
    refusal = refuse_recipe(backend, recipe(**fields))
    assert refusal is not None
    return refusal.message


@pytest.mark.parametrize("backend", [ONNX, GENAI])
def test_every_method_resolves_with_its_defaults(backend: str) -> None:
    for method, table in OPTIONS[backend].items():
        options = resolve(backend, method, {})
        assert set(options) == set(table)
        assert all(options[name] in table[name].allowed for name in table)


def test_a_chosen_option_wins_over_the_default() -> None:
    resolved = worker_recipe(ONNX, recipe(method="int4-weight-only", group_size=32))
    assert resolved == {
        "name": "r",
        "method": "int4-weight-only",
        "group_size": 32,
        "symmetric": False,
        "embedding_bits": 8,
    }


def test_an_option_that_the_method_does_not_use_is_refused_with_those_it_has() -> None:
    assert message(ONNX, method="int8-dynamic", group_size=32) == (
        "recipe r: int8-dynamic with onnxruntime has no option groupSize, its options are: none"
    )
    assert "its options are: groupSize, symmetric, embeddingBits" in message(
        ONNX, method="int4-weight-only", mixed_int8=True
    )


def test_a_value_that_is_not_offered_is_refused_with_those_that_are() -> None:
    assert message(GENAI, method="int8-weight-only", embedding_bits=16) == (
        "recipe r: embeddingBits is 16, int8-weight-only with onnxruntime-genai allows 8, 32"
    )
    assert "symmetric is false" in message(GENAI, method="int8-weight-only", symmetric=False)


def test_a_method_that_the_backend_does_not_do_is_refused() -> None:
    assert "onnxruntime-genai does not do int8-dynamic, known are float32" in message(GENAI, method="int8-dynamic")


def test_the_combination_that_builds_and_does_not_load_is_refused() -> None:
    assert "does not load" in message(GENAI, method="int4-weight-only", symmetric=False)
    assert refuse_recipe(GENAI, recipe(method="int4-weight-only", symmetric=False, embedding_bits=8)) is None


def test_calibration_samples_reach_the_worker() -> None:
    chosen = recipe(method="int8-static", calibration={"dataset": "data/c.jsonl", "samples": 7})
    assert worker_recipe(ONNX, chosen)["calibration_samples"] == 7


@pytest.mark.parametrize(
    ("fields", "bits"),
    [
        ({"method": "float32"}, 32.0),
        ({"method": "int8-dynamic"}, 8.0),
        ({"method": "int8-weight-only"}, 9.0),  # 8 + 32 / 32
        ({"method": "int4-weight-only"}, 6.25),  # 4 + (32 + 4) / 16
    ],
)
def test_bits_count_scales_and_zero_points(fields: dict[str, Any], bits: float) -> None:
    assert recipe_bits(ONNX, recipe(**fields)) == bits


def test_bits_of_the_default_four_bit_decoder() -> None:
    assert bits_per_weight("int4-weight-only", resolve(GENAI, "int4-weight-only", {})) == 5.0


def test_an_unknown_option_names_itself() -> None:
    with pytest.raises(UnknownOptionError) as caught:
        resolve(ONNX, "float32", {"algorithm": "rtn"})
    assert caught.value.option == "algorithm"
