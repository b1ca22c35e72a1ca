"""Runs every rule over a repository and collects what they say: all of it, in order of place.

What is wrong with documents themselves (`Repository.problems`) is part of the result, so one run shows everything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from edgewright.check.budget import ModelFacts
from edgewright.check.rule import Rule, Subject
from edgewright.check.rules import (
    budget,
    build_refused,
    canary,
    dataset,
    fleet_targets,
    gates,
    model_source,
    references,
)
from edgewright.kernel.diagnostics import Diagnostic, EdgewrightError, Severity
from edgewright.load.documents import Repository
from edgewright.plugins.registry import Registry

_RULES: tuple[Rule, ...] = (
    references.check,
    model_source.check,
    build_refused.check,
    dataset.check,
    fleet_targets.check,
    canary.check,
    gates.check,
)


def check(
    repository: Repository, registry: Registry, *, facts: Mapping[str, ModelFacts] | None = None
) -> list[Diagnostic]:
    """Every diagnostic of every rule. `facts` are those of imported models, by blueprint name."""
    found = set(repository.problems)
    if not repository.blueprints and not repository.problems:
        found.add(_nothing_here(repository))
    for name, loaded in repository.blueprints.items():
        subject = Subject(loaded, repository, registry)
        found.update(_of_blueprint(subject, (facts or {}).get(name)))
    return sorted(found, key=lambda d: d.sort_key)


def _of_blueprint(subject: Subject, facts: ModelFacts | None) -> Iterator[Diagnostic]:
    for rule in _RULES:
        yield from rule(subject)
    yield from budget.check(subject, facts)


def _nothing_here(repository: Repository) -> Diagnostic:
    message = f"{repository.root.name or repository.root} has 0 blueprints, at least 1 is needed"
    hint = "a blueprint is a YAML file with apiVersion: edgewright/v1beta1 and kind: Blueprint"
    return Diagnostic("no-blueprint", message, hint=hint)


def require_valid(
    repository: Repository, registry: Registry, *, facts: Mapping[str, ModelFacts] | None = None
) -> list[Diagnostic]:
    """Raise with every error; returns the warnings."""
    found = check(repository, registry, facts=facts)
    if any(d.severity is Severity.ERROR for d in found):
        raise EdgewrightError(*found)
    return found
