"""The service's memory limit is not above what its targets give a model."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic
from edgewright.kernel.units import format_size


def check(subject: Subject) -> Iterator[Diagnostic]:
    """`service.memoryMax` against the smallest `memoryForModel` of the targets that are built."""
    limit = subject.blueprint.spec.service.memory_max
    targets = [(v.request.target.memory_for_model, v.target_name) for v in subject.variants]
    if limit is None or not targets:
        return
    allowed, name = min(targets)
    if limit > allowed:
        message = f"service.memoryMax is {format_size(limit)}, {name} gives a model {format_size(allowed)}"
        hint = "lower memoryMax: above that the service takes memory from the rest of the device"
        yield subject.warning("service-memory-large", message, ("spec", "service", "memoryMax"), hint=hint)
