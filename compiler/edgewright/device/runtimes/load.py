"""Choosing the runtime of an artifact.

Owns the map from `runtime.kind` to module. Imports a runtime's module, and with it its framework, only when an
artifact asks for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgewright.device.artifact import Artifact, read_artifact
from edgewright.device.refusal import Refusal

KINDS = ("onnxruntime", "onnxruntime-genai", "tvm-static")


def load(folder: Path, threads: int = 1) -> Any:
    """Load an artifact folder: an `EmbeddingRuntime` or a `GenerationRuntime` of `runtimes.base`, by its task.

    Refuses `artifact-invalid`, `runtime-missing` (exit 7) and `artifact-unloadable`."""
    return load_artifact(read_artifact(Path(folder)), threads)


def load_artifact(artifact: Artifact, threads: int) -> Any:
    """As `load`, for an artifact whose description was read already."""
    if artifact.runtime == "onnxruntime":
        from edgewright.device.runtimes.onnxruntime import OnnxEmbeddings

        return OnnxEmbeddings(artifact, threads)
    if artifact.runtime == "onnxruntime-genai":
        from edgewright.device.runtimes.onnxruntime_genai import GenAIGeneration

        return GenAIGeneration(artifact, threads)
    if artifact.runtime == "tvm-static":
        from edgewright.device.runtimes.tvm_static import StaticEmbeddings

        return StaticEmbeddings(artifact)
    raise Refusal(
        "artifact-invalid", f"artifact.json: runtime: kind is {artifact.runtime[:40]!r}, known are {', '.join(KINDS)}"
    )
