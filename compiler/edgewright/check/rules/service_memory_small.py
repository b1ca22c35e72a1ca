"""The service's memory limit leaves room for the model, by estimate."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic
from edgewright.kernel.units import format_size


def check(subject: Subject) -> Iterator[Diagnostic]:
    """`service.memoryMax` against the largest estimate of the builds."""
    limit = subject.blueprint.spec.service.memory_max
    over = [found for found in subject.estimated if limit is not None and found.memory.value > limit]
    if over and limit is not None:
        worst = max(over, key=lambda found: found.memory.value)
        message = (
            f"service.memoryMax is {format_size(limit)}, {subject.name} needs about "
            f"{format_size(worst.memory.value)} on {worst.variant.target_name}"
        )
        hint = "raise memoryMax, lower spec.model.context, or compress more"
        place = ("spec", "service", "memoryMax")
        yield subject.error("service-memory-small", message, place, hint=hint, notes=(worst.memory.formula,))
