"""Every gate is for targets that the blueprint builds."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.gates import gates, scope
from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Names of targets in gates."""
    for gate, path in gates(subject):
        yield from scope(subject, "gate-target", gate.targets, subject.built_targets, (*path, "targets"))
