"""The step `export-onnx`: the canonical encoder as one float32 ONNX graph that ends in an embedding.

Owns the export and its check against the canonical model. Invariants: the graph has exactly the border of `graph`;
it agrees with the framework on short and padded input; two exports are byte-identical.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from optimum.exporters.onnx import main_export

from edgewright.backends.onnxruntime.worker.graph import OPSET, append_pooling, fold_token_types
from edgewright.plugins.worker import Facts, Request, WorkerError

MAX_WEIGHTS_BYTES = 1_900_000_000
"""A protobuf file ends at 2 GiB; encoders for the edge are far below."""
TOLERANCE = 1e-4
"""Largest difference allowed between graph and framework; rounding order alone gives about 1e-6."""


def export_onnx(request: Request) -> Facts:
    """Input `model` (the canonical folder); output `model/model.onnx`."""
    canonical = request.inputs["model"]
    facts = json.loads((canonical / "facts.json").read_text(encoding="utf-8"))
    if facts["task"] != "embeddings":
        raise WorkerError("task-unsupported", f"task {facts['task']} is not exported to one graph, embeddings is")
    if facts["weights_bytes_float32"] > MAX_WEIGHTS_BYTES:
        raise WorkerError(
            "model-too-large",
            f"the weights take {facts['weights_bytes_float32']} bytes, at most {MAX_WEIGHTS_BYTES} fit one ONNX file",
        )
    scratch = Path("exported").absolute()
    main_export(
        str(canonical),
        str(scratch),
        task="feature-extraction",
        library_name="transformers",
        opset=OPSET,
        device="cpu",
        dtype="fp32",
        do_validation=False,
        local_files_only=True,
    )
    model = onnx.load(str(scratch / "model.onnx"))
    fold_token_types(model)
    append_pooling(model, facts["pooling"], facts["normalize"], facts["dimension"])
    onnx.checker.check_model(model)
    target = request.output / "model" / "model.onnx"
    target.parent.mkdir()
    target.write_bytes(model.SerializeToString(deterministic=True))
    target.chmod(0o644)
    worst = _difference(target, canonical, facts)
    if not worst <= TOLERANCE:
        raise WorkerError(
            "export-differs", f"graph and framework differ by {worst:.3g}, at most {TOLERANCE:g} is allowed"
        )
    return {"size_bytes": target.stat().st_size, "difference_from_framework": worst, "opset": OPSET}


def _difference(graph: Path, canonical: Path, facts: Facts) -> float:
    """Largest absolute difference over lengths 1, 7 and 32 and a padded batch, on random but fixed ids."""
    session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    generator = np.random.default_rng(0)
    worst = 0.0
    for batch, length, hidden_tail in ((1, 1, 0), (1, 7, 0), (2, 32, 0), (2, 32, 9)):
        ids = generator.integers(5, facts["vocab_size"], (batch, min(length, facts["max_positions"])), dtype=np.int64)
        mask = np.ones_like(ids)
        if hidden_tail:
            mask[:, -hidden_tail:] = 0
        got = session.run(["embedding"], {"input_ids": ids, "attention_mask": mask})[0]
        worst = max(worst, float(np.abs(got - _reference(canonical, facts, ids, mask)).max()))
    return worst


def _reference(canonical: Path, facts: dict[str, Any], ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
    import torch
    from transformers import AutoModel

    model = AutoModel.from_pretrained(canonical, dtype=torch.float32, local_files_only=True)
    with torch.no_grad():
        hidden = model(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask))[0].numpy()
    column: np.ndarray = mask[..., None].astype(np.float32)
    vector = (hidden * column).sum(1) / column.sum(1) if facts["pooling"] == "mean" else hidden[:, 0]
    if facts["normalize"]:
        vector = vector / np.linalg.norm(vector, axis=1, keepdims=True)
    return np.asarray(vector)
