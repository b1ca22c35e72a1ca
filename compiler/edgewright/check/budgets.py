"""Budgets as rules report them: which estimates a target does not allow, and what would fit instead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from edgewright.check.budget import Estimate
from edgewright.check.estimates import Estimated
from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic
from edgewright.kernel.units import format_size


def reported(subject: Subject, name: str) -> Iterator[tuple[Estimated, Estimate, float, str]]:
    """Estimates of a kind that are not met: the build, the estimate, what is allowed, the formula in words."""
    facts = subject.known_facts
    for found in subject.estimated:
        for item in found.items:
            if item.name == name and not item.is_met and item.allowed is not None and facts is not None:
                yield found, item, item.allowed, f"{item.formula}, estimated from {facts.origin} facts"


def over(subject: Subject, slug: str, name: Literal["memory", "disk"]) -> Iterator[Diagnostic]:
    """Say which builds need more memory or disk than their target allows."""
    for found, item, allowed, formula in reported(subject, name):
        smaller = "lower spec.model.context, compress more" if "KV cache" in item.formula else "compress more"
        fitting = _fitting(subject, found, item)
        hint = f"{smaller}, or use {fitting}" if fitting else smaller
        note = f"{format_size(item.value)} needed ({formula}), {format_size(allowed)} allowed"
        message = f"{subject.name} does not fit the {name} of {found.variant.target_name}"
        yield subject.error(slug, message, found.variant.path, notes=(note,), hint=hint)


def _fitting(subject: Subject, found: Estimated, item: Estimate) -> str | None:
    """The smallest target of the same architecture and runtime that allows what is needed."""
    sizes: list[tuple[int, str]] = []
    for name, loaded in subject.repository.targets.items():
        spec = loaded.document.spec
        size = spec.memory_for_model if item.name == "memory" else spec.disk
        is_alike = spec.architecture == found.variant.request.target.architecture
        if is_alike and found.variant.build.backend in spec.runtimes and size >= item.value:
            sizes.append((size, name))
    return min(sizes)[1] if sizes else None
