"""How far two next-token distributions are apart, position by position.

Pure NumPy. Kullback-Leibler divergence KL(reference ‖ candidate) in nats (natural logarithm), over the distribution
after every position; top-1 agreement: whether both have the same most likely token; negative log likelihood of the
token that really follows, from which perplexity = exp(mean).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

_ROWS = 128
"""Positions handled at a time: bounds the memory at a few float64 arrays of 128 rows."""


def log_softmax(logits: Any) -> Any:
    """Natural logarithm of the softmax along the last axis, in float64."""
    values = np.asarray(logits, dtype=np.float64)
    values = values - values.max(axis=-1, keepdims=True)
    return values - np.log(np.exp(values).sum(axis=-1, keepdims=True))


@dataclass(slots=True)
class Divergence:
    """Collects positions of all windows."""

    kl: list[float] = field(default_factory=list)
    agree: list[bool] = field(default_factory=list)
    nll: list[float] = field(default_factory=list)
    reference_nll: list[float] = field(default_factory=list)

    def add(self, ids: Sequence[int], reference: Any, candidate: Any) -> None:
        """Add one window: token ids, and both float arrays [len(ids), vocabulary]."""
        if reference.shape != candidate.shape or len(ids) != reference.shape[0]:
            raise ValueError(f"logits {reference.shape} and {candidate.shape} for {len(ids)} tokens")
        for start in range(0, len(ids), _ROWS):
            stop = min(start + _ROWS, len(ids))
            p, q = log_softmax(reference[start:stop]), log_softmax(candidate[start:stop])
            self.kl.extend(np.maximum((np.exp(p) * (p - q)).sum(axis=-1), 0.0).tolist())
            self.agree.extend((p.argmax(axis=-1) == q.argmax(axis=-1)).tolist())
            following = np.asarray(ids[start + 1 : stop + 1], dtype=np.int64)
            rows = np.arange(len(following))
            self.reference_nll.extend((-p[rows, following]).tolist())
            self.nll.extend((-q[rows, following]).tolist())


def mean_nll(ids: Sequence[int], logits: Any, first: int) -> float:
    """Mean negative log likelihood, in nats, of the tokens from index `first` on (1 or more)."""
    following = np.asarray(ids[first:], dtype=np.int64)
    scores = log_softmax(logits[first - 1 : len(ids) - 1])
    return float(-scores[np.arange(len(following)), following].mean())
