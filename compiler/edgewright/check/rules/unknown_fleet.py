"""The fleet that a blueprint goes to is declared."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.names import unknown
from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """The name of the fleet: a document of the repository."""
    name, known = subject.blueprint.spec.fleet.ref, subject.repository.fleets
    yield from unknown(subject, "unknown-fleet", "Fleet", name, known, ("spec", "fleet", "ref"))
