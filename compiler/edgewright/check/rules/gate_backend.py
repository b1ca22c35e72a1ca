"""Every gate is for backends that the blueprint builds with."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.gates import gates, scope
from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Names of backends in gates."""
    backends = {build.backend for build in subject.blueprint.spec.builds}
    for gate, path in gates(subject):
        yield from scope(subject, "gate-backend", gate.backends, backends, (*path, "backends"))
