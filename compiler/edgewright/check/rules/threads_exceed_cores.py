"""The service has no more threads than its targets have cores."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """`service.threads` against the fewest cores of the targets that are built."""
    threads = subject.blueprint.spec.service.threads
    targets = [(variant.request.target.cores, variant.target_name) for variant in subject.variants]
    if threads is None or not targets:
        return
    cores, name = min(targets)
    if threads > cores:
        message = f"service.threads is {threads}, {name} has {cores} cores"
        hint = f"write threads: {cores} or less: more only wait for each other"
        yield subject.warning("threads-exceed-cores", message, ("spec", "service", "threads"), hint=hint)
