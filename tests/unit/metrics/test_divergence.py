"""KL divergence, agreement and likelihood against hand-computed values."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edgewright.metrics.generation.worker.divergence import Divergence, log_softmax, mean_nll


def test_equal_logits_diverge_by_nothing_and_agree_everywhere() -> None:
    logits = np.random.default_rng(1).normal(size=(300, 50)).astype(np.float32)
    collected = Divergence()
    collected.add(list(range(50)) * 6, logits, logits + 7.0)  # a constant does not change a softmax
    assert max(collected.kl) == pytest.approx(0.0, abs=1e-6)
    assert all(collected.agree)
    assert len(collected.kl) == 300
    assert len(collected.nll) == 299
    assert collected.nll == pytest.approx(collected.reference_nll, abs=1e-5)


def test_kl_is_in_nats_and_from_reference_to_candidate() -> None:
    p, q = np.array([0.5, 0.5]), np.array([0.9, 0.1])
    collected = Divergence()
    collected.add([0, 1], np.log(np.stack([p, p])), np.log(np.stack([q, q])))
    expected = 0.5 * math.log(0.5 / 0.9) + 0.5 * math.log(0.5 / 0.1)
    assert collected.kl == pytest.approx([expected, expected])


def test_likelihood_is_of_the_token_that_follows_across_chunks() -> None:
    ids = [(3 * i) % 7 for i in range(200)]
    logits = np.full((200, 7), -20.0)
    for position, following in enumerate(ids[1:]):
        logits[position, following] = 20.0
    collected = Divergence()
    collected.add(ids, logits, np.zeros_like(logits))
    assert max(collected.reference_nll) == pytest.approx(0.0, abs=1e-9)
    assert collected.nll == pytest.approx([math.log(7)] * 199)


def test_top1_agreement_compares_the_most_likely_token() -> None:
    a = np.array([[1.0, 2.0], [3.0, 0.0]])
    b = np.array([[1.0, 2.0], [0.0, 3.0]])
    collected = Divergence()
    collected.add([0, 1], a, b)
    assert collected.agree == [True, False]


def test_logits_of_another_shape_are_a_fault() -> None:
    with pytest.raises(ValueError, match="logits"):
        Divergence().add([0, 1], np.zeros((2, 5)), np.zeros((2, 6)))


def test_log_softmax_survives_large_logits() -> None:
    assert log_softmax(np.array([1000.0, 0.0]))[0] == pytest.approx(0.0)


def test_mean_nll_starts_where_the_answer_starts() -> None:
    logits = np.zeros((4, 4))
    logits[1, 2] = 50.0
    assert mean_nll([0, 1, 2, 3], logits, 2) == pytest.approx((0.0 + math.log(4)) / 2)
