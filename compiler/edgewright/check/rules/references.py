"""Every name in a blueprint is declared: targets, backends, policies, recipes, the fleet."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic, did_you_mean
from edgewright.load.policies import candidates, lineage

SLUGS = ("unknown-target", "unknown-backend", "unknown-policy", "unknown-recipe", "unknown-fleet")


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Names of builds, compression and fleet."""
    repository = subject.repository
    backends = subject.registry.names("backends")
    seen = set()
    for index, build, compression, path in subject.builds():
        if build.backend not in backends:
            place = ("spec", "builds", index, "backend")
            hint = did_you_mean(build.backend, backends)
            yield subject.error("unknown-backend", f"there is no backend {build.backend!r}", place, hint=hint)
        for position, target in enumerate(build.targets):
            if target not in repository.targets:
                where = ("spec", "builds", index, "targets", position)
                hint = did_you_mean(target, repository.targets)
                yield subject.error("unknown-target", f"there is no target {target!r}", where, hint=hint)
        if compression is None or compression.policy is None or path in seen:
            continue
        seen.add(path)
        if compression.policy not in repository.policies:
            hint = did_you_mean(compression.policy, repository.policies)
            yield subject.error(
                "unknown-policy", f"there is no policy {compression.policy!r}", (*path, "policy"), hint=hint
            )
            continue
        yield from _recipe(subject, compression.policy, compression.recipe, path)
    fleet = subject.blueprint.spec.fleet.ref
    if fleet not in repository.fleets:
        hint = did_you_mean(fleet, repository.fleets)
        yield subject.error("unknown-fleet", f"there is no fleet {fleet!r}", ("spec", "fleet", "ref"), hint=hint)


def _recipe(subject: Subject, policy: str, recipe: str | None, path: tuple[str | int, ...]) -> Iterator[Diagnostic]:
    policies = subject.repository.policies
    if any(name not in policies for name in lineage(policies, policy)):
        return  # the policy's own rule says so, at its own place
    wanted = recipe or policies[policy].document.spec.recipe
    offered = [candidate.name for candidate in candidates(policies, policy)]
    if wanted not in offered:
        place = (*path, "recipe") if recipe else (*path, "policy")
        hint = did_you_mean(str(wanted), offered)
        yield subject.error("unknown-recipe", f"policy {policy!r} has no candidate {wanted!r}", place, hint=hint)
