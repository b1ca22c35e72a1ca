"""The metric set of text-generation models: names, units and the worker step. No framework is imported here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edgewright.plugins.protocols import WorkerStep
from edgewright.spec.v1beta1.target import TargetSpec

UNITS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "kl_divergence_mean": "",
        "kl_divergence_p99": "",
        "top1_agreement": "",
        "perplexity": "",
        "reference_perplexity": "",
        "perplexity_ratio": "",
        "tokenizer_parity": "",
        "chat_template_parity": "",
        "gibberish_smoke": "",
        "reference_vector": "",
        "artifact_size": "B",
        "peak_memory": "B",
        "latency_median": "s",
        "latency_p95": "s",
        "decode_rate": "tokens/s",
    }
)


class GenerationMetrics:
    """Next-token distributions of the artifact against the float32 reference's, its answers, and what it costs."""

    task = "text-generation"
    metrics: Mapping[str, str] = UNITS

    def step(self, backend: str, target: TargetSpec, max_tokens: int) -> WorkerStep:
        """The worker step; its inputs are `artifact`, `canonical` and `dataset`. Times differ from run to run."""
        return WorkerStep(
            module="edgewright.metrics.generation.worker",
            packages=(
                "edgewright.metrics.generation.worker",
                "edgewright.metrics.child",
                "edgewright.metrics.dataset",
                "edgewright.metrics.gibberish",
                "edgewright.metrics.measurements",
                "edgewright.metrics.probe",
                "edgewright.metrics.similarity",
                "edgewright.device",
            ),
            environment="genai",
            step="evaluate",
            options={
                "backend": backend,
                "architecture": target.architecture,
                "max_tokens": max_tokens,
                "units": dict(UNITS),
            },
            inputs={"artifact": "artifact", "canonical": "canonical", "dataset": "dataset"},
            determinism="not",
        )
