"""Every gate names a metric of the blueprint's task."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.gates import gates, metrics_of
from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Names of metrics; nothing is said of a task that has none."""
    task, known = subject.blueprint.spec.model.task, metrics_of(subject)
    for gate, path in gates(subject):
        if known and gate.metric not in known:
            message = f"{task} has no metric {gate.metric!r}"
            yield subject.misnamed("unknown-metric", message, (*path, "metric"), gate.metric, known)
