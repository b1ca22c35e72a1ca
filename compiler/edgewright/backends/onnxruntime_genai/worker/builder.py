"""The call of onnxruntime-genai's model builder: a resolved recipe in, its options out, the model in a folder.

Owns the translation of our recipe into the builder's words. Invariants: offline; the builder's cache and every file it
drops stay in the step's scratch folder; whatever the builder refuses becomes a refusal with its own words.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from onnxruntime_genai.models.builder import create_model, parse_extra_options

from edgewright.plugins.worker import WorkerError

PRECISIONS = {"float32": "fp32", "int8-weight-only": "int8", "int4-weight-only": "int4"}
ALGORITHMS = {"default": "default", "rtn": "rtn", "k-quant": "k_quant"}
ACCURACY_LEVEL = 4
"""Activations are quantised to 8 bits for the product: the level whose kernels are fast on every CPU."""


def builder_options(recipe: Mapping[str, Any]) -> list[str]:
    """The builder's extra options for a resolved recipe, as KEY=VALUE."""
    if recipe["method"] == "float32":
        return []
    options = [
        f"algo_config={ALGORITHMS[recipe['algorithm']]}",
        f"block_size={recipe['group_size']}",
        f"is_symmetric={str(recipe['symmetric']).lower()}",
        f"accuracy_level={ACCURACY_LEVEL}",
    ]
    if recipe.get("mixed_int8"):
        options.append("matmul_mixed_precision=last_matmul:int8,mixed_layers:int8")
    if recipe["embedding_bits"] is not None:  # the table is left in float32 here; the 8-bit pass comes after
        options += ["shared_embeddings=false", "op_types_to_quantize=MatMul"]
    return options


def run_builder(canonical: Path, output: Path, recipe: Mapping[str, Any]) -> None:
    """Build into `output`. Raises WorkerError `builder-refused`."""
    precision, cache = PRECISIONS[recipe["method"]], str(Path("builder-cache").absolute())
    model, target = str(canonical), str(output)
    try:
        options = parse_extra_options(model, model, target, precision, "cpu", cache, builder_options(recipe))
        create_model(model, model, target, precision, "cpu", cache, **options)
    except (ValueError, NotImplementedError, KeyError) as error:
        raise WorkerError("builder-refused", f"the GenAI builder: {type(error).__name__}: {str(error)[:400]}") from None
    if not (output / "model.onnx").is_file():
        raise WorkerError("builder-refused", "the GenAI builder ended without an error and without a model")
