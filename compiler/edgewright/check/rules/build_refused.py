"""A backend can build what is asked of it: this task, on this target, by this recipe."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Ask the backend of every build about each of its targets; each backend words its own reasons."""
    spec = subject.blueprint.spec
    for index, build in enumerate(spec.builds):
        if not subject.has_backend(build.backend):
            continue
        tasks = subject.registry.backend(build.backend).tasks
        if spec.model.task not in tasks:
            message = f"{build.backend} does not build {spec.model.task}, only {', '.join(sorted(tasks))}"
            able = [
                n for n in subject.registry.names("backends") if spec.model.task in subject.registry.backend(n).tasks
            ]
            hint = f"backends for {spec.model.task}: {', '.join(able)}" if able else None
            yield subject.error("backend-task", message, ("spec", "builds", index, "backend"), hint=hint)
    for variant in subject.variants():
        request = variant.request
        refusal = variant.backend.refuse(request)
        if refusal is not None:
            note = f"{variant.build.backend} refuses {request.target_name} with the recipe {request.recipe.name}"
            yield subject.error(refusal.slug, refusal.message, variant.path, hint=refusal.hint, notes=(note,))
        elif variant.build.backend not in request.target.runtimes:
            have = ", ".join(request.target.runtimes) or "none"
            message = f"{request.target_name} has no runtime for {variant.build.backend}, it has {have}"
            hint = "choose another backend for this target"
            yield subject.error("runtime-absent", message, variant.path, hint=hint)
