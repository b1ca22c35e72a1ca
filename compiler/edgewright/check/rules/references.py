"""Every name in a blueprint is declared: targets, backends, policies, recipes, the fleet."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic, did_you_mean
from edgewright.load.yaml12 import Path
from edgewright.spec.v1beta1.compression import PolicyChoice


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Names of builds, compression and fleet."""
    repository = subject.repository
    backends = subject.registry.names("backends")
    seen: set[Path] = set()
    for index, build, compression, path in subject.builds():
        place: Path = ("spec", "builds", index)
        yield from _name(subject, "Backend", build.backend, backends, (*place, "backend"))
        for position, target in enumerate(build.targets):
            yield from _name(subject, "Target", target, repository.targets, (*place, "targets", position))
        if compression is not None and path not in seen:
            seen.add(path)
            yield from _compression(subject, compression, path)
    fleet = subject.blueprint.spec.fleet.ref
    yield from _name(subject, "Fleet", fleet, repository.fleets, ("spec", "fleet", "ref"))


def _name(subject: Subject, kind: str, name: str, known: Collection[str], path: Path) -> Iterator[Diagnostic]:
    if subject.is_unknown(kind, name, known):
        word = "policy" if kind == "CompressionPolicy" else kind.lower()
        hint = did_you_mean(name, known) or f"the repository has no document of kind {kind}"
        unread = subject.repository.unread
        notes = (f"not read, so it may be there: {', '.join(unread[:5])}",) if unread else ()
        yield subject.error(f"unknown-{word}", f"there is no {word} {name!r}", path, hint=hint, notes=notes)


def _compression(subject: Subject, choice: PolicyChoice, path: Path) -> Iterator[Diagnostic]:
    if choice.policy is None:
        return
    policies = subject.repository.compression_policies
    yield from _name(subject, "CompressionPolicy", choice.policy, policies, (*path, "policy"))
    policy = policies.get(choice.policy)
    if policy is None or choice.recipe is None:
        return
    offered = [candidate.name for candidate in policy.document.spec.candidates]
    if choice.recipe not in offered:
        message = f"policy {choice.policy} has no candidate {choice.recipe!r}"
        yield subject.error("unknown-recipe", message, (*path, "recipe"), hint=did_you_mean(choice.recipe, offered))
