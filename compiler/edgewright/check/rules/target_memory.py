"""A model fits the memory that its targets give it, by estimate."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.budgets import over
from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Weights, KV cache and runtime against `memoryForModel`; nothing is said while the model's facts are unknown."""
    return over(subject, "target-memory", "memory")
