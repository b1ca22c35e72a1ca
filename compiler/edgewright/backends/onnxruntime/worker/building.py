"""The step `build`: a float32 graph and a recipe in, a self-contained artifact folder out.

Owns the order of the work, the load test and the test vector. Invariants: an artifact that does not load, or whose
answer is not finite or not of the declared size, is refused here; the vector is the artifact's own answer.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from tokenizers import Tokenizer

from edgewright.backends.onnxruntime.layout import artifact_document, copy_tokenizer, read_facts, write_document
from edgewright.backends.onnxruntime.worker.quantizing import quantize
from edgewright.compress.calibration import CalibrationError, read_texts
from edgewright.plugins.worker import Facts, Request, WorkerError

VECTOR_TEXT = "The parcel arrived on Tuesday; the shop opens at 9:30 and closes at 18:00."
TOLERANCES: dict[str, dict[str, float]] = {
    # float32 sums in another order: 1e-6 between x86-64 and aarch64
    "float32": {"max_abs": 1e-3},
    # a rounding step of an activation may fall the other way on another instruction set
    "int8-dynamic": {"min_cosine": 0.99},
    "int8-static": {"min_cosine": 0.99},
    "int8-weight-only": {"min_cosine": 0.99},
    "int4-weight-only": {"min_cosine": 0.99},
}


def build(request: Request) -> Facts:
    """Inputs `onnx`, `canonical` and, for int8-static, `calibration`.

    Options: `recipe` (every option resolved), `architecture`, `context`, `reduce_range`."""
    recipe, canonical = dict(request.options["recipe"]), request.inputs["canonical"]
    facts = read_facts(canonical)
    method = recipe["method"]
    tokenizer = Tokenizer.from_file(str(canonical / "tokenizer.json"))
    samples = _calibration(request, recipe, tokenizer) if method == "int8-static" else []
    scratch = Path("quantized.onnx").absolute()
    source = request.inputs["onnx"] / "model" / "model.onnx"
    quantize(method, source, scratch, {**recipe, "reduce_range": request.options["reduce_range"]}, samples)
    target = request.output / "model" / "model.onnx"
    target.parent.mkdir()
    model = onnx.load(str(scratch))
    target.write_bytes(model.SerializeToString(deterministic=True))
    target.chmod(0o644)
    copy_tokenizer(canonical, request.output)
    if "calibration_samples" in recipe:
        recipe["calibration_samples"] = len(samples)
    if method.startswith("int8-") and method != "int8-weight-only":
        recipe["reduce_range"] = request.options["reduce_range"]
    document = artifact_document(
        backend="onnxruntime",
        facts=facts,
        recipe=recipe,
        architecture=request.options["architecture"],
        files={"model": "model/model.onnx"},
        context=int(request.options["context"]),
        inputs=[
            {"name": name, "dtype": "int64", "shape": ["batch", "sequence"]} for name in ("input_ids", "attention_mask")
        ],
        outputs=[{"name": "embedding", "dtype": "float32", "shape": ["batch", facts["dimension"]]}],
    )
    write_document(request.output / "artifact.json", document)
    tokenizer.enable_truncation(document["context"])
    write_document(request.output / "test_vector.json", _vector(target, tokenizer, facts, method, request.threads))
    return {"model_bytes": target.stat().st_size, "operators": _operators(model), "calibration_samples": len(samples)}


def _calibration(request: Request, recipe: dict[str, Any], tokenizer: Tokenizer) -> list[list[int]]:
    try:
        texts = read_texts(request.inputs["calibration"], int(recipe["calibration_samples"]))
    except CalibrationError as error:
        raise WorkerError(
            "calibration-unusable", str(error), hint='write one JSON object a line, such as {"text": "…"}'
        ) from None
    return [tokenizer.encode(text).ids for text in texts]


def _vector(path: Path, tokenizer: Tokenizer, facts: Facts, method: str, threads: int) -> dict[str, Any]:
    """Load the artifact, run it, and record its answer. Refuses `artifact-unloadable` and `artifact-unsound`.

    `tokenizer` cuts to what the artifact takes, as the device does."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    state = onnxruntime.capi.onnxruntime_pybind11_state
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except (state.Fail, state.InvalidGraph, state.NotImplemented, state.InvalidArgument, RuntimeError) as error:
        raise WorkerError("artifact-unloadable", f"the built model does not load: {str(error)[:400]}") from None
    borders = [value.name for value in session.get_inputs()], [value.name for value in session.get_outputs()]
    if borders != (["input_ids", "attention_mask"], ["embedding"]):
        raise WorkerError("artifact-unsound", f"the built model has inputs {borders[0]} and outputs {borders[1]}")
    ids = np.array([tokenizer.encode(VECTOR_TEXT).ids], np.int64)
    mask = np.ones_like(ids)
    embedding = session.run(["embedding"], {"input_ids": ids, "attention_mask": mask})[0]
    if embedding.shape != (1, facts["dimension"]) or not np.isfinite(embedding).all():
        raise WorkerError(
            "artifact-unsound", f"the built model answers with shape {embedding.shape} or numbers that are not finite"
        )
    length = math.sqrt(float((embedding.astype(np.float64) ** 2).sum()))
    if facts["normalize"] and abs(length - 1) > 1e-3:
        raise WorkerError("artifact-unsound", f"the embedding has length {length:.6f}, 1 is needed")
    return {
        "schema": 1,
        "text": VECTOR_TEXT,
        "input_ids": ids[0].tolist(),
        "attention_mask": mask[0].tolist(),
        "embedding": [float(value) for value in embedding[0]],
        "tolerance": TOLERANCES[method],
    }


def _operators(model: onnx.ModelProto) -> dict[str, int]:
    """How often the operators that carry weights occur: what a reader checks to see that a recipe took effect."""
    counted = ("MatMul", "MatMulInteger", "MatMulNBits", "DequantizeLinear", "Gather", "GatherBlockQuantized")
    kinds = [node.op_type for node in model.graph.node]
    return {kind: kinds.count(kind) for kind in counted if kind in kinds}
