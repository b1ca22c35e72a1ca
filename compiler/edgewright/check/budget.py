"""Static budgets: what a build will need of its target's memory, disk and bandwidth, estimated before anything is built.

Pure arithmetic with its formulas in words. Every result is an `Estimate` that says which formula gave it; the facts it
starts from are declared in the blueprint or read from the imported model.

Formulas, in bytes and seconds:

- weights = parameters × bits of a weight on the device / 8
- KV cache = 2 (keys and values) × layers × KV heads × head dimension × context × 2 bytes (float16) for generation, else 0;
  the count is that of grouped-query attention (Ainslie et al., 2023)
- memory = weights + KV cache + what the runtime itself takes
- disk = 2 × (weights + runtime's files): a new release is staged while the old one stays
- decode rate = bandwidth / bytes read for a token; at batch 1 every weight is read once for every token and the cache
  once, so memory bandwidth bounds the rate from above (the roofline of Williams et al., 2009, left of its ridge)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edgewright.kernel.units import format_size
from edgewright.spec.v1alpha1.target import TargetSpec

_CACHE_BYTES = 2
_GB = 1e9


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """The numbers of a model that budgets need, and where they come from."""

    parameters: int
    layers: int
    hidden_size: int
    vocab_size: int
    kv_heads: int
    head_dim: int
    origin: Literal["declared", "imported"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimated number: what, how much, in which unit (`B` or `tokens/s`), by which formula with its terms."""

    name: Literal["memory", "disk", "decode_rate"]
    value: float
    unit: str
    allowed: float | None
    formula: str

    @property
    def is_met(self) -> bool:
        """Whether the target allows it; a rate is allowed from below, bytes from above."""
        if self.allowed is None:
            return True
        return self.value >= self.allowed if self.unit == "tokens/s" else self.value <= self.allowed


def weights_bytes(facts: ModelFacts, bits_per_weight: float) -> float:
    """Bytes of all weights on the device."""
    return facts.parameters * bits_per_weight / 8


def cache_bytes(facts: ModelFacts, context: int) -> int:
    """Bytes of the KV cache for `context` tokens at batch 1, float16."""
    return 2 * facts.layers * facts.kv_heads * facts.head_dim * context * _CACHE_BYTES


def estimate(
    facts: ModelFacts,
    target: TargetSpec,
    *,
    task: str,
    context: int,
    bits_per_weight: float,
    runtime_memory_bytes: int,
    runtime_disk_bytes: int,
    decode_rate_wanted: float | None = None,
) -> tuple[Estimate, ...]:
    """All estimates of one build on one target."""
    weights = weights_bytes(facts, bits_per_weight)
    cache = cache_bytes(facts, context) if task == "text-generation" else 0
    memory = weights + cache + runtime_memory_bytes
    disk = 2 * (weights + runtime_disk_bytes)
    found = [
        Estimate(
            "memory",
            memory,
            "B",
            target.memory_for_model,
            f"weights {format_size(weights)} ({facts.parameters:,} × {bits_per_weight:g} bits) + "
            f"cache {format_size(cache)} ({context} tokens) + runtime {format_size(runtime_memory_bytes)}",
        ),
        Estimate(
            "disk",
            disk,
            "B",
            target.disk,
            f"2 × (weights {format_size(weights)} + runtime {format_size(runtime_disk_bytes)})",
        ),
    ]
    if task == "text-generation":
        # half of the context on average; the embedding table is looked up, not read whole
        read = weights + cache / 2
        found.append(
            Estimate(
                "decode_rate",
                target.memory_bandwidth * _GB / read,
                "tokens/s",
                decode_rate_wanted,
                f"bandwidth {target.memory_bandwidth:g} GB/s / {format_size(read)} read for a token, at most",
            )
        )
    return tuple(found)
