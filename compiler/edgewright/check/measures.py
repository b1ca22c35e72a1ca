"""What the values of known metrics can be, and which way is better.

Ratios of agreement lie between 0 and 1, cosines and correlations between -1 and 1; divergences, differences, sizes and
times have no upper end. A perplexity is at least 1: it is the exponential of a cross-entropy, which is never negative.
Metrics of other plugins are not known here, and no rule judges them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Measure:
    """The least and the largest value (None: no end), and the better side (None: neither)."""

    better: Literal["high", "low"] | None
    lowest: float
    highest: float | None


_SHARE = Measure("high", 0.0, 1.0)
_COSINE = Measure("high", -1.0, 1.0)
_DISTANCE = Measure("low", 0.0, None)
MEASURES: Final[Mapping[str, Measure]] = MappingProxyType(
    {
        "cosine_mean": _COSINE,
        "cosine_min": _COSINE,
        "similarity_correlation": _COSINE,
        "retrieval_agreement": _SHARE,
        "tokenizer_parity": _SHARE,
        "chat_template_parity": _SHARE,
        "gibberish_smoke": _SHARE,
        "top1_agreement": _SHARE,
        "kl_divergence_mean": _DISTANCE,
        "kl_divergence_p99": _DISTANCE,
        "reference_vector": _DISTANCE,
        "perplexity_ratio": _DISTANCE,
        "perplexity": Measure("low", 1.0, None),
        "reference_perplexity": Measure(None, 1.0, None),
        "artifact_size": _DISTANCE,
        "peak_memory": _DISTANCE,
        "latency_median": _DISTANCE,
        "latency_p95": _DISTANCE,
        "decode_rate": Measure("high", 0.0, None),
    }
)
