"""Two releases of a model fit the disk of its targets, by estimate."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.budgets import over
from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Weights and runtime, twice, against the target's `disk`."""
    return over(subject, "target-disk", "disk")
