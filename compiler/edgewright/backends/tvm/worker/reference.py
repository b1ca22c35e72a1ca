"""The reference that a built library must reproduce: the ONNX graph in numpy, on inputs without padding.

Owns the inputs of the check: for each length, random ids that leave the last eighth to padding, so that a library which
ignores its mask fails.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

from edgewright.backends.tvm.worker.execute import Sample

AGREEMENT = 1e-5
"""Largest difference of any component that a library may show; 2e-7 is usual."""


def sample(length: int, vocabulary: int) -> Sample:
    """Random token ids for a library of `length`, always the same."""
    count = max(1, length - length // 8)
    ids = np.random.default_rng(length).integers(0, vocabulary, count)
    return Sample(tuple(int(token) for token in ids), (1,) * count)


def embeddings(model: onnx.ModelProto, samples: Sequence[Sample]) -> list[np.ndarray]:
    """float32[dimension] for each sample, run one by one at its own length."""
    evaluator = ReferenceEvaluator(model)
    results = []
    for one in samples:
        inputs = {
            "input_ids": np.array([one.ids], dtype=np.int64),
            "attention_mask": np.array([one.mask], dtype=np.int64),
        }
        results.append(np.asarray(evaluator.run(None, inputs)[0])[0])
    return results
