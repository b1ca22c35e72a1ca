"""A backend can build what is asked of it: this task, on this target, by this recipe."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import Subject, Variant
from edgewright.kernel.diagnostics import Diagnostic
from edgewright.load.yaml12 import Path
from edgewright.plugins.protocols import Refusal


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
    yield from _refusals(subject)
    for variant in subject.variants():
        request = variant.request
        runtimes = request.target.runtimes
        if variant.build.backend not in runtimes and variant.backend.refuse(request) is None:
            have = ", ".join(runtimes) or "none"
            message = f"{request.target_name} has no runtime for {variant.build.backend}, it has {have}"
            hint = "choose another backend for this target"
            yield subject.error("runtime-absent", message, variant.path, hint=hint)


def _refusals(subject: Subject) -> Iterator[Diagnostic]:
    """What backends refuse; one reason for several targets of a build is told once, at the first of them."""
    reasons: dict[tuple[Path, Refusal], list[Variant]] = {}
    for variant in subject.variants():
        refusal = variant.backend.refuse(variant.request)
        if refusal is not None:
            reasons.setdefault((variant.path[:3], refusal), []).append(variant)
    for (_, refusal), variants in reasons.items():
        first = variants[0]
        names = ", ".join(variant.request.target_name for variant in variants)
        note = f"{first.build.backend} refuses the recipe {first.request.recipe.name} for {names}"
        yield subject.error(refusal.slug, refusal.message, first.path, hint=refusal.hint, notes=(note,))
