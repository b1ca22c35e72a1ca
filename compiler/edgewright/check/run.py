"""Runs every rule over a repository and collects what they say: all of it, in order of place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from edgewright.check.budget import ModelFacts
from edgewright.check.rule import Rule, Subject
from edgewright.check.rules import budget, build_refused, dataset, fleet_targets, gates, policy_cycle, references
from edgewright.kernel.diagnostics import Diagnostic, EdgewrightError, Severity
from edgewright.load.documents import Repository
from edgewright.plugins.registry import Registry

_RULES: tuple[Rule, ...] = (references.check, build_refused.check, dataset.check, fleet_targets.check, gates.check)


def check(
    repository: Repository, registry: Registry, *, facts: Mapping[str, ModelFacts] | None = None
) -> list[Diagnostic]:
    """Every diagnostic of every rule. `facts` are those of imported models, by blueprint name."""
    found = set(policy_cycle.check_repository(repository))
    for name, loaded in repository.blueprints.items():
        subject = Subject(loaded, repository, registry)
        found.update(_of_blueprint(subject, (facts or {}).get(name)))
    return sorted(found, key=lambda d: d.sort_key)


def _of_blueprint(subject: Subject, facts: ModelFacts | None) -> Iterator[Diagnostic]:
    for rule in _RULES:
        yield from rule(subject)
    yield from budget.check(subject, facts)


def require_valid(
    repository: Repository, registry: Registry, *, facts: Mapping[str, ModelFacts] | None = None
) -> list[Diagnostic]:
    """Raise with every error; returns the warnings."""
    found = check(repository, registry, facts=facts)
    if any(d.severity is Severity.ERROR for d in found):
        raise EdgewrightError(*found)
    return found
