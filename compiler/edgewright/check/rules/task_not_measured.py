"""There are metrics for the blueprint's task."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """The task against the metric sets of this installation."""
    task, measured = subject.blueprint.spec.model.task, subject.registry.names("metrics")
    if task not in measured:
        message = f"nothing measures {task}, so its gates could not pass"
        yield subject.error(
            "task-not-measured", message, ("spec", "model", "task"), hint=f"tasks with metrics: {', '.join(measured)}"
        )
