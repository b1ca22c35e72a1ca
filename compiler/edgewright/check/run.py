"""Runs every rule over a repository and collects what they say: all of it, in order of place.

What is wrong with documents themselves (`Repository.problems`) is part of the result, so one run shows everything. No
message leaves here with a secret in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from edgewright.check import suppression
from edgewright.check.budget import ModelFacts
from edgewright.check.environments import changed_blueprints, idle_at_sites, used_where
from edgewright.check.revision import CheckedCommit
from edgewright.check.rule import Subject
from edgewright.check.rules import RULES, WHOLE_RULES
from edgewright.check.suppression import Judged
from edgewright.check.whole import Whole
from edgewright.kernel.clock import now
from edgewright.kernel.diagnostics import Diagnostic, EdgewrightError, Severity
from edgewright.kernel.secrets import mask_secrets
from edgewright.load.documents import Loaded, Repository
from edgewright.plugins.registry import Registry
from edgewright.spec.v1beta1.blueprint import Blueprint


def check(
    repository: Repository,
    registry: Registry,
    *,
    facts: Mapping[str, ModelFacts] | None = None,
    policies: bool = True,
    commit: CheckedCommit | None = None,
) -> list[Diagnostic]:
    """Every diagnostic that no comment allows; what `examine` says for the rest."""
    return list(examine(repository, registry, facts=facts, policies=policies, commit=commit).standing)


def examine(
    repository: Repository,
    registry: Registry,
    *,
    facts: Mapping[str, ModelFacts] | None = None,
    policies: bool = True,
    commit: CheckedCommit | None = None,
) -> Judged:
    """Every diagnostic of every rule: those that stand, and those that comments in the documents allow.

    `facts` are those of imported models, by blueprint name. Without `policies` the organisation's rules are left out:
    `lock` writes what some of them are judged by. `commit` is what the documents were read from, if not from files.
    """
    found = _found(repository, registry, facts or {})
    if policies:
        found.update(_policies(repository, registry, commit))
    return _masked_all(suppression.judge(repository.remarks, found))


def examine_all(repositories: Sequence[Repository], registry: Registry) -> Judged:
    """A repository in all of its environments: what is found in some of them only says in which."""
    where: dict[Diagnostic, list[str | None]] = {}
    for repository in repositories:
        changed = changed_blueprints(repository, repositories[0])
        for diagnostic in _found(repository, registry, {}, changed) | set(_policies(repository, registry, None)):
            where.setdefault(diagnostic, []).append(repository.environment)
    found = [_in_environments(diagnostic, names) for diagnostic, names in where.items()]
    return _masked_all(suppression.judge(repositories[0].remarks, found, suppression.Whole(repositories)))


def _in_environments(diagnostic: Diagnostic, names: Sequence[str | None]) -> Diagnostic:
    if None in names:
        return diagnostic
    word = "environment" if len(names) == 1 else "environments"
    return replace(diagnostic, notes=(*diagnostic.notes, f"in the {word} {', '.join(name or '' for name in names)}"))


def _found(
    repository: Repository,
    registry: Registry,
    facts: Mapping[str, ModelFacts],
    blueprints: Mapping[str, Loaded[Blueprint]] | None = None,
) -> set[Diagnostic]:
    """What is wrong; of `blueprints` only, when the others were looked at before."""
    found = {*repository.problems, *idle_at_sites(repository)}
    if not repository.blueprints and not repository.problems:
        found.add(_nothing_here(repository))
    chosen = repository.blueprints if blueprints is None else blueprints
    return set(used_where(repository, found.union(_rules(repository, registry, facts, chosen))))


def _masked_all(judged: Judged) -> Judged:
    allowed = (
        replace(item, diagnostic=_masked(item.diagnostic), reason=mask_secrets(item.reason)) for item in judged.allowed
    )
    return Judged(tuple(map(_masked, judged.standing)), tuple(allowed))


def _rules(
    repository: Repository,
    registry: Registry,
    facts: Mapping[str, ModelFacts],
    blueprints: Mapping[str, Loaded[Blueprint]],
) -> Iterator[Diagnostic]:
    whole = Whole(repository)
    for whole_rule in WHOLE_RULES:
        yield from whole_rule(whole)
    for name, loaded in blueprints.items():
        subject = Subject(loaded, repository, registry, facts.get(name), whole)
        for rule in RULES:
            yield from rule(subject)


def _policies(repository: Repository, registry: Registry, commit: CheckedCommit | None) -> Iterator[Diagnostic]:
    if repository.policies:
        # who has no policy does not wait for the library that evaluates them
        from edgewright.check.policies.judge import judge  # noqa: PLC0415

        yield from judge(repository, registry, now().date(), commit=commit)


def _masked(diagnostic: Diagnostic) -> Diagnostic:
    """The diagnostic without the secrets that a wrong value may have brought into its words."""
    message, notes = mask_secrets(diagnostic.message), tuple(mask_secrets(note) for note in diagnostic.notes)
    if (message, notes) == (diagnostic.message, diagnostic.notes):
        return diagnostic
    return replace(diagnostic, message=message, notes=notes)


def _nothing_here(repository: Repository) -> Diagnostic:
    message = f"{repository.root.name or repository.root} has 0 blueprints, at least 1 is needed"
    hint = "a blueprint is a YAML file with apiVersion: edgewright/v1beta1 and kind: Blueprint"
    return Diagnostic("no-blueprint", message, hint=hint)


def require_valid(
    repository: Repository,
    registry: Registry,
    *,
    facts: Mapping[str, ModelFacts] | None = None,
    policies: bool = True,
    commit: CheckedCommit | None = None,
) -> list[Diagnostic]:
    """Raise with every error; returns the warnings."""
    found = check(repository, registry, facts=facts, policies=policies, commit=commit)
    if any(d.severity is Severity.ERROR for d in found):
        raise EdgewrightError(*found)
    return found
