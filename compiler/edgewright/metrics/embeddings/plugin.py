"""The metric set of embedding models: names, units and the worker step. No framework is imported here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edgewright.plugins.protocols import WorkerStep
from edgewright.plugins.toolchains import compiler_for, emulator_for
from edgewright.spec.v1beta1.target import TargetSpec

UNITS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "cosine_mean": "",
        "cosine_min": "",
        "similarity_correlation": "",
        "retrieval_agreement": "",
        "tokenizer_parity": "",
        "reference_vector": "",
        "artifact_size": "B",
        "peak_memory": "B",
        "latency_median": "s",
        "latency_p95": "s",
    }
)


class EmbeddingMetrics:
    """Cosine and pairwise similarity of the artifact's vectors against the float32 reference's, and what it costs."""

    task = "embeddings"
    metrics: Mapping[str, str] = UNITS

    def step(self, backend: str, target: TargetSpec, max_tokens: int) -> WorkerStep:
        """The worker step; its inputs are `artifact`, `canonical` and `dataset`. Times differ from run to run."""
        # a native library of another architecture runs under an emulator; a model file is portable
        emulator = emulator_for(target.architecture) if backend == "tvm" else ()
        return WorkerStep(
            module="edgewright.metrics.embeddings.worker",
            packages=(
                "edgewright.metrics.embeddings.worker",
                "edgewright.metrics.child",
                "edgewright.metrics.dataset",
                "edgewright.metrics.emulation",
                "edgewright.metrics.measurements",
                "edgewright.metrics.probe",
                "edgewright.metrics.similarity",
                "edgewright.device",
            ),
            environment="onnx",
            step="evaluate",
            options={
                "backend": backend,
                "architecture": target.architecture,
                "features": list(target.isa.features),
                "max_tokens": max_tokens,
                "units": dict(UNITS),
            },
            inputs={"artifact": "artifact", "canonical": "canonical", "dataset": "dataset"},
            determinism="not",
            tools=(*compiler_for(target.architecture), *emulator) if emulator else (),
        )
