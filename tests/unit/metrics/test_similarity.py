"""Vector arithmetic against hand-computed values and NumPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewright.metrics.similarity import cosine, nearest, pearson, percentile, similarity_correlation

numbers = st.floats(-1e3, 1e3, allow_subnormal=False)


def test_cosine_knows_parallel_orthogonal_and_opposite() -> None:
    assert cosine([1.0, 0.0], [5.0, 0.0]) == pytest.approx(1.0)
    assert cosine([1.0, 0.0], [0.0, 2.0]) == 0.0
    assert cosine([1.0, 0.0], [-3.0, 0.0]) == pytest.approx(-1.0)


def test_a_zero_vector_is_similar_to_nothing() -> None:
    assert cosine([0.0, 0.0], [1.0, 1.0]) == 0.0


def test_vectors_of_different_length_are_a_fault() -> None:
    with pytest.raises(ValueError, match="zip"):
        cosine([1.0], [1.0, 2.0])


def test_pearson_of_what_does_not_vary_is_no_number() -> None:
    assert math.isnan(pearson([1.0, 1.0], [1.0, 2.0]))
    assert math.isnan(pearson([1.0], [1.0]))


@given(st.lists(numbers, min_size=1, max_size=40), st.floats(0, 1))
def test_percentile_agrees_with_numpy(values: list[float], share: float) -> None:
    assert percentile(values, share) == pytest.approx(float(np.quantile(values, share)), rel=1e-9, abs=1e-9)


def test_similarity_correlation_agrees_with_numpy() -> None:
    draw = np.random.default_rng(3)
    reference = draw.normal(size=(9, 16))
    candidate = reference + 0.3 * draw.normal(size=(9, 16))

    def upper(vectors: Any) -> Any:
        units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return (units @ units.T)[np.triu_indices(len(vectors), 1)]

    expected = float(np.corrcoef(upper(reference), upper(candidate))[0, 1])
    assert similarity_correlation(reference.tolist(), candidate.tolist()) == pytest.approx(expected, abs=1e-12)


def test_similarity_correlation_ignores_a_common_rotation_and_scale() -> None:
    reference = [[1.0, 0.0], [0.6, 0.8], [0.0, 1.0], [-0.8, 0.6]]
    turned = [[-2 * y, 2 * x] for x, y in reference]
    assert similarity_correlation(reference, turned) == pytest.approx(1.0)


def test_nearest_is_the_passage_with_the_largest_cosine_not_the_longest() -> None:
    assert nearest([1.0, 0.0], [[10.0, 10.0], [0.5, 0.01]]) == 1
