"""Static budgets: memory, disk and bandwidth that a build will need of its target, estimated before it is built.

Pure arithmetic with its formulas in words. Every result is an `Estimate` that says which formula gave it; the facts it
starts from are declared in the blueprint or read from the imported model.

Formulas, in bytes and seconds (P parameters, V vocabulary, H hidden size):

- weights = P x bits of a weight on the device / 8; an embedding table (V x H of P) may have bits of its own
- KV cache = 2 (keys and values) x layers x KV heads x head dimension x context x 4 bytes for generation, else 0: the
  count of grouped-query attention (Ainslie et al. 2023, arXiv:2305.13245); the CPU runtimes here cache in float32
- memory = weights + KV cache + what the runtime itself takes
- disk = 2 x (weights + the runtime's files): a new release is staged while the old one stays
- decode rate = bandwidth / bytes read for a token. At batch 1 every weight is read once a token (of an untied embedding
  table only one row) and on average half of the full cache, so memory bandwidth bounds the rate from above (roofline:
  Williams, Waterman, Patterson 2009, doi:10.1145/1498765.1498785)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from edgewright.kernel.units import format_size
from edgewright.spec.v1beta1.blueprint import DeclaredFacts
from edgewright.spec.v1beta1.target import TargetSpec

_CACHE_ELEMENT_BYTES = 4
_GB = 1e9
_NUMBERS = ("parameters", "layers", "hidden_size", "vocab_size", "kv_heads", "head_dim")
Origin = Literal["declared", "imported"]


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """The numbers of a model that budgets need, and where they come from."""

    parameters: int
    layers: int
    hidden_size: int
    vocab_size: int
    kv_heads: int
    head_dim: int
    tied_embeddings: bool
    origin: Origin

    @classmethod
    def from_declared(cls, facts: DeclaredFacts) -> Self:
        """Facts of a blueprint's `spec.model.facts`."""
        return cls(**facts.model_dump(), origin="declared")

    @classmethod
    def from_import(cls, facts: Mapping[str, Any]) -> Self:
        """Facts of an imported model's `facts.json`; encoders have no KV heads of their own there, all heads count."""
        numbers = {name: int(facts[name]) for name in _NUMBERS}
        return cls(**numbers, tied_embeddings=bool(facts["tied_embeddings"]), origin="imported")

    def differences(self, other: ModelFacts) -> list[tuple[str, int, int]]:
        """What two sets of facts disagree on: the name, the value here, the other value."""
        names = [*_NUMBERS, "tied_embeddings"]
        pairs = ((name, getattr(self, name), getattr(other, name)) for name in names)
        return [(name, mine, theirs) for name, mine, theirs in pairs if mine != theirs]


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a backend adds: bits of a weight on average, of the embedding table if the recipe says so, the runtime."""

    bits_per_weight: float
    embedding_bits: int | None
    runtime_memory_bytes: int
    runtime_disk_bytes: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimated number: what, how much, in which unit (`B` or `tokens/s`), by which formula with its terms."""

    name: Literal["memory", "disk", "decode_rate"]
    value: float
    unit: Literal["B", "tokens/s"]
    allowed: float | None
    formula: str

    @property
    def is_met(self) -> bool:
        """Whether the target allows it; a rate is allowed from below, bytes from above."""
        if self.allowed is None:
            return True
        return self.value >= self.allowed if self.unit == "tokens/s" else self.value <= self.allowed


def weights_bytes(facts: ModelFacts, footprint: Footprint) -> float:
    """Bytes of all weights on the device."""
    return (facts.parameters - _table(facts)) * footprint.bits_per_weight / 8 + _table_bytes(facts, footprint)


def cache_bytes(facts: ModelFacts, context: int) -> int:
    """Bytes of the KV cache for `context` tokens at batch 1, float32."""
    return 2 * facts.layers * facts.kv_heads * facts.head_dim * context * _CACHE_ELEMENT_BYTES


def bytes_per_token(facts: ModelFacts, footprint: Footprint, context: int) -> float:
    """Bytes read from memory to decode one token, at half of the context."""
    looked_up = 0.0 if facts.tied_embeddings else _table_bytes(facts, footprint)
    return weights_bytes(facts, footprint) - looked_up + cache_bytes(facts, context) / 2


def estimate(
    facts: ModelFacts,
    target: TargetSpec,
    footprint: Footprint,
    *,
    task: str,
    context: int,
    decode_rate_wanted: float | None = None,
) -> tuple[Estimate, ...]:
    """All estimates of one build on one target."""
    generates = task == "text-generation"
    weights = weights_bytes(facts, footprint)
    cache = cache_bytes(facts, context) if generates else 0
    runtime = footprint.runtime_memory_bytes
    in_words = f"weights {format_size(weights)} ({facts.parameters:,} x {footprint.bits_per_weight:g} bits)"
    if generates:
        in_words += f" + KV cache {format_size(cache)} ({context:,} tokens)"
    found = [
        Estimate(
            "memory",
            weights + cache + runtime,
            "B",
            target.memory_for_model,
            f"{in_words} + runtime {format_size(runtime)}",
        ),
        Estimate(
            "disk",
            2 * (weights + footprint.runtime_disk_bytes),
            "B",
            target.disk,
            f"2 releases x (weights {format_size(weights)} + runtime {format_size(footprint.runtime_disk_bytes)})",
        ),
    ]
    if generates:
        read = bytes_per_token(facts, footprint, context)
        found.append(
            Estimate(
                "decode_rate",
                target.memory_bandwidth * _GB / read,
                "tokens/s",
                decode_rate_wanted,
                f"at most bandwidth {target.memory_bandwidth:g} GB/s / {format_size(read)} read for a token",
            )
        )
    return tuple(found)


def _table(facts: ModelFacts) -> int:
    return min(facts.vocab_size * facts.hidden_size, facts.parameters)


def _table_bytes(facts: ModelFacts, footprint: Footprint) -> float:
    return _table(facts) * (footprint.embedding_bits or footprint.bits_per_weight) / 8
