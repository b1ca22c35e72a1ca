"""Every target that a blueprint builds for is declared."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.names import unknown
from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Names of targets: shipped profiles and documents of the repository."""
    for index, build in enumerate(subject.blueprint.spec.builds):
        for position, target in enumerate(build.targets):
            path = ("spec", "builds", index, "targets", position)
            yield from unknown(subject, "unknown-target", "Target", target, subject.repository.targets, path)
