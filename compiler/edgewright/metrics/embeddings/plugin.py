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

DESCRIPTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "cosine_mean": "mean cosine of artifact and reference over the texts",
        "cosine_min": "smallest cosine of artifact and reference over the texts",
        "similarity_correlation": "Pearson's correlation of the two matrices of pairwise cosines",
        "retrieval_agreement": "share of queries whose nearest passage is the one that the reference finds",
        "tokenizer_parity": (
            "share of texts with identical token ids: the dataset's, and probes of Unicode, digits and special tokens"
        ),
        "reference_vector": "largest absolute difference when the stored test vector is computed again",
        "artifact_size": "all files of the artifact",
        "peak_memory": "most resident memory (VmHWM) of a fresh process that did all this and one longest input",
        "latency_median": "median time of one text of 128 tokens, one thread, after 5 warm-ups, 40 runs",
        "latency_p95": "95th percentile of the same runs",
    }
)
"""How each metric is measured, for people: the reference page is made from it."""


class EmbeddingMetrics:
    """Cosine and pairwise similarity of the artifact's vectors against the float32 reference's, and what it costs."""

    task = "embeddings"
    metrics: Mapping[str, str] = UNITS
    descriptions: Mapping[str, str] = DESCRIPTIONS

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
