"""The backend of a build does the blueprint's task."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Each build's backend against the task of the model."""
    task, registry = subject.blueprint.spec.model.task, subject.registry
    for index, build in enumerate(subject.blueprint.spec.builds):
        if not subject.has_backend(build.backend):
            continue
        tasks = registry.backend(build.backend).tasks
        if task not in tasks:
            message = f"{build.backend} does not build {task}, only {', '.join(sorted(tasks))}"
            able = [name for name in registry.names("backends") if task in registry.backend(name).tasks]
            hint = f"backends for {task}: {', '.join(able)}" if able else "no backend of this installation builds it"
            yield subject.error("backend-task", message, ("spec", "builds", index, "backend"), hint=hint)
