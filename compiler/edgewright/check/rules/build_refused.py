"""A backend can build what is asked of it: this task, on this target, by this recipe."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic
from edgewright.load.policies import candidates
from edgewright.plugins.protocols import BuildRequest
from edgewright.spec.v1alpha1.compression import PolicyChoice, Recipe

SLUGS = ("backend-task", "backend-architecture", "backend-method", "runtime-absent")
FLOAT32 = Recipe(name="float32", method="float32")


def resolve_recipe(subject: Subject, choice: PolicyChoice | None) -> Recipe | None:
    """The recipe that would ship, or None when a name on the way is unknown."""
    if choice is None:
        return FLOAT32
    if choice.inline is not None or choice.policy is None:
        return choice.inline
    policies = subject.repository.policies
    if choice.policy not in policies:
        return None
    wanted = choice.recipe or policies[choice.policy].document.spec.recipe
    return next((c for c in candidates(policies, choice.policy) if c.name == wanted), None)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Ask the backend of every build about each of its targets."""
    spec = subject.blueprint.spec
    for index, build, compression, _ in subject.builds():
        recipe = resolve_recipe(subject, compression)
        if build.backend not in subject.registry.names("backends") or recipe is None:
            continue
        backend = subject.registry.backend(build.backend)
        place = ("spec", "builds", index, "backend")
        if spec.model.task not in backend.tasks:
            message = f"{build.backend} cannot build {spec.model.task}, only {', '.join(sorted(backend.tasks))}"
            yield subject.error("backend-task", message, place)
            continue
        for position, name in enumerate(build.targets):
            target = subject.repository.targets.get(name)
            if target is None:
                continue
            where = ("spec", "builds", index, "targets", position)
            refusal = backend.refuse(BuildRequest(spec, name, target.document.spec, recipe, build.sequence_lengths))
            if refusal is not None:
                yield subject.error(refusal.slug, refusal.message, where, hint=refusal.hint)
            elif build.backend not in target.document.spec.runtimes:
                have = ", ".join(target.document.spec.runtimes)
                message = f"{name} has no runtime for {build.backend}, only for {have}"
                yield subject.error("runtime-absent", message, where, hint="choose another backend for this target")
