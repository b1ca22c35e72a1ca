"""Every backend that a blueprint names is installed."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.names import unknown
from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Names of backends: the plugins of this installation."""
    known = subject.registry.names("backends")
    for index, build in enumerate(subject.blueprint.spec.builds):
        yield from unknown(
            subject, "unknown-backend", "Backend", build.backend, known, ("spec", "builds", index, "backend")
        )
