"""Vector arithmetic of the embedding metrics, in plain Python: a few hundred vectors, no framework needed.

Pure. Invariant: vectors are compared in float64; a zero vector has cosine 0 with everything.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

Vector = Sequence[float]


def cosine(a: Vector, b: Vector) -> float:
    """Cosine of the angle between two vectors, between -1 and 1."""
    scale = _norm(a) * _norm(b)
    return max(-1.0, min(1.0, _dot(a, b) / scale)) if scale > 0 else 0.0


def normalised(vector: Vector) -> list[float]:
    """The vector at length 1; zero stays zero."""
    length = _norm(vector)
    return [value / length for value in vector] if length > 0 else list(vector)


def pearson(xs: Vector, ys: Vector) -> float:
    """Pearson's correlation of two equally long samples; NaN when either does not vary."""
    n = len(xs)
    if n < 2:
        return math.nan
    mean_x, mean_y = math.fsum(xs) / n, math.fsum(ys) / n
    covariance = math.fsum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True))
    spread = math.sqrt(math.fsum((x - mean_x) ** 2 for x in xs) * math.fsum((y - mean_y) ** 2 for y in ys))
    return covariance / spread if spread > 0 else math.nan


def similarity_correlation(reference: Sequence[Vector], candidate: Sequence[Vector]) -> float:
    """Pearson's correlation of the upper triangles of both pairwise cosine matrices."""
    return pearson(_pairwise(reference), _pairwise(candidate))


def nearest(query: Vector, passages: Sequence[Vector]) -> int:
    """Index of the passage with the largest cosine; the first one on a tie."""
    unit = normalised(query)
    scores = [_dot(unit, normalised(passage)) for passage in passages]
    return scores.index(max(scores))


def percentile(values: Sequence[float], share: float) -> float:
    """Percentile by linear interpolation between ranks (NumPy's default); `share` between 0 and 1."""
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    low = math.floor(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (position - low)


def _dot(a: Vector, b: Vector) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def _norm(vector: Vector) -> float:
    return math.sqrt(_dot(vector, vector))


def _pairwise(vectors: Sequence[Vector]) -> list[float]:
    units = [normalised(vector) for vector in vectors]
    return [_dot(a, b) for a, b in combinations(units, 2)]
