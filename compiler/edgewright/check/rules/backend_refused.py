"""A backend can build what is asked of it: this recipe, on this target, with these lengths."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.estimates import Variant
from edgewright.check.pages import catalogue
from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic
from edgewright.load.places import Path
from edgewright.plugins.protocols import Refusal


def check(subject: Subject) -> Iterator[Diagnostic]:
    """What backends refuse, in their words and under their slug; one reason for several targets is told once.

    A plugin's slug without a page would explain nothing, so such a refusal has the slug of this rule.
    """
    reasons: dict[tuple[Path, Refusal], list[Variant]] = {}
    for variant in subject.variants:
        if variant.refusal is not None:
            reasons.setdefault((variant.path[:3], variant.refusal), []).append(variant)
    explained = catalogue() if reasons else {}
    for (_, refusal), variants in reasons.items():
        first = variants[0]
        names = ", ".join(variant.target_name for variant in variants)
        note = f"{first.build.backend} refuses the recipe {first.request.recipe.name} for {names}"
        slug = refusal.slug if refusal.slug in explained else "backend-refused"
        yield subject.error(slug, refusal.message, first.path, hint=refusal.hint, notes=(note,))
