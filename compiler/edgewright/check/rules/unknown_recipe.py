"""A recipe that a blueprint chooses is among the candidates of its policy."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.names import choices
from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Names of candidates, those that a policy inherits included."""
    for choice, path in choices(subject):
        policy = subject.repository.compression_policies.get(choice.policy or "")
        if policy is None or choice.recipe is None:
            continue
        offered = [candidate.name for candidate in policy.document.spec.candidates]
        if choice.recipe not in offered:
            message = f"policy {choice.policy} has no candidate {choice.recipe!r}"
            yield subject.misnamed("unknown-recipe", message, (*path, "recipe"), choice.recipe, offered)
