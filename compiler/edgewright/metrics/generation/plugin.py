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

DESCRIPTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "kl_divergence_mean": (
            "mean KL(reference ‖ artifact) of the next-token distribution at every position, windows of 512 "
            "tokens; nats"
        ),
        "kl_divergence_p99": "99th percentile of the same",
        "top1_agreement": "share of positions at which both prefer the same token",
        "perplexity": "exp of the artifact's mean negative log likelihood of the text",
        "reference_perplexity": "the same of the reference",
        "perplexity_ratio": "the artifact's perplexity by the reference's",
        "tokenizer_parity": (
            "share of texts with identical token ids: the dataset's, and probes of Unicode, digits and special tokens"
        ),
        "chat_template_parity": (
            "share of conversations rendered to identical text and ids, probes with template syntax inside included"
        ),
        "gibberish_smoke": (
            "1 when at most a quarter of up to 8 greedy answers is empty, repetitive, not made of words, or "
            "unlikely to the reference; else 0"
        ),
        "reference_vector": (
            "largest difference of a first-step logit of the test vector; no value when the greedy tokens differ"
        ),
        "artifact_size": "all files of the artifact",
        "peak_memory": "most resident memory (VmHWM) of a fresh process, with a prompt that fills the context",
        "latency_median": "median time to the first token of a 128-token prompt, one thread, after 2 warm-ups, 20 runs",
        "latency_p95": "95th percentile of the same runs",
        "decode_rate": "median over the answers of at least 16 tokens, one thread",
    }
)
"""How each metric is measured, for people: the reference page is made from it."""


class GenerationMetrics:
    """Next-token distributions of the artifact against the float32 reference's, its answers, and what it costs."""

    task = "text-generation"
    metrics: Mapping[str, str] = UNITS
    descriptions: Mapping[str, str] = DESCRIPTIONS

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
