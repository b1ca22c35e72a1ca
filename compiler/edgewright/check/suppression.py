"""Suppression: what a comment in a document allows, with a reason, and what is wrong with such comments.

    # edgewright: allow SLUG because REASON

on the line that is reported, or alone on the line above it. Whether a slug can be allowed at all is said by its page;
what the loader says of a document's form never can. Pure but for the pages, which are read only when there is such a
comment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from edgewright.check.pages import Page, catalogue
from edgewright.kernel.diagnostics import (
    Allowed,
    Diagnostic,
    Edit,
    Fix,
    Severity,
    Span,
    did_you_mean,
    sure_match,
)
from edgewright.load.documents import Repository
from edgewright.load.remarks import REMARKS_READ, Remark

_FORM = "write # edgewright: allow SLUG because REASON"
_DEPEND_ON_FACTS = "budgets"
"""The category of rules that are silent about a model whose numbers are not known yet."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Diagnostics that stand, and those that are allowed."""

    standing: tuple[Diagnostic, ...]
    allowed: tuple[Allowed, ...] = ()


@dataclass(frozen=True, slots=True)
class _Allowance:
    slug: str
    reason: str
    remark: Remark


@dataclass(frozen=True, slots=True)
class Whole:
    """A repository in all of its environments, when every rule looked at all of it."""

    repositories: Sequence[Repository]

    def has_judged(self, remark: Remark, page: Page) -> bool:
        """Tell whether what a page is about would have been found where a remark is."""
        first = self.repositories[0]
        problems = (problem for repository in self.repositories for problem in repository.problems)
        if first.is_selection or any(problem.severity is Severity.ERROR for problem in problems):
            return False
        waits_for_facts = page.category == _DEPEND_ON_FACTS
        if waits_for_facts and any(item.document.spec.model.facts is None for item in first.blueprints.values()):
            return False
        return any(remark.path in repository.files for repository in self.repositories)


def judge(remarks: Sequence[Remark], found: Collection[Diagnostic], whole: Whole | None = None) -> Judged:
    """Take out what comments allow, and add what is wrong with the comments; both in order of place.

    With `whole`, everything was looked for that could be found; then a comment that allows nothing is said to.
    """
    if not remarks:
        return Judged(_ordered(found))
    pages = catalogue()
    problems: list[Diagnostic] = []
    allowances = []
    counts: Counter[str] = Counter()
    for remark in remarks:
        counts[remark.path] += 1
        if counts[remark.path] > REMARKS_READ:
            problems.append(_too_many(remark))
            continue
        read = _read(remark, pages)
        if isinstance(read, Diagnostic):
            problems.append(read)
        else:
            allowances.append(read)
    by_slug: dict[str, list[_Allowance]] = {}
    for item in allowances:
        by_slug.setdefault(item.slug, []).append(item)
    standing, allowed, used = [], [], set()
    for diagnostic in found:
        span = diagnostic.span
        rivals = by_slug.get(diagnostic.slug, ()) if span else ()
        allowance = next((item for item in rivals if span and item.remark.covers(span)), None)
        if allowance is None:
            standing.append(diagnostic)
        else:
            allowed.append(Allowed(diagnostic, allowance.reason, allowance.remark.span))
            used.add(allowance)
    idle = [
        item for item in allowances if item not in used and whole and whole.has_judged(item.remark, pages[item.slug])
    ]
    allowed.sort(key=lambda item: item.diagnostic.sort_key)
    return Judged(_ordered([*standing, *problems, *map(_unused, idle)]), tuple(allowed))


def _ordered(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    return tuple(sorted(diagnostics, key=lambda diagnostic: diagnostic.sort_key))


def _read(remark: Remark, pages: Mapping[str, Page]) -> _Allowance | Diagnostic:
    """What a remark allows, or what is wrong with it."""
    word, slug, because, reason = [*remark.text.split(maxsplit=3), "", "", "", ""][:4]
    if word != "allow" or not slug:
        message = f"the comment says {remark.text[:60]!r}, only allow SLUG because REASON is understood"
        return Diagnostic("suppression-form", message, span=remark.span, hint=_FORM)
    if slug not in pages:
        message = f"the comment allows {slug[:60]!r}, which is no slug"
        return Diagnostic(
            "suppression-unknown",
            message,
            span=remark.span,
            hint=did_you_mean(slug[:60], pages) if sure_match(slug[:60], pages) else "edgewright explain lists them",
            fix=_other_slug(remark, slug, sure_match(slug[:60], pages)),
        )
    if not pages[slug].can_be_allowed:
        message = f"{slug} cannot be allowed in a document"
        hint = f"mend what it says; edgewright explain {slug} says why"
        return Diagnostic("suppression-refused", message, span=remark.span, hint=hint)
    if because != "because" or not any(character.isalnum() for character in reason):
        message = f"the comment allows {slug} for no reason, 1 is needed"
        return Diagnostic("suppression-reason", message, span=remark.span, hint=_FORM.replace("SLUG", slug))
    return _Allowance(slug, reason, remark)


def _too_many(remark: Remark) -> Diagnostic:
    message = f"{remark.path} has more than {REMARKS_READ} comments to edgewright; this and later ones do not count"
    return Diagnostic("suppression-form", message, span=remark.span, hint="mend what the first ones allow")


def _other_slug(remark: Remark, slug: str, meant: str | None) -> Fix | None:
    if meant is None:
        return None
    span = remark.span
    end = span.end_column
    column = end - len(remark.text) + remark.text.index(slug, len("allow"))
    place = Span(span.path, span.line, column, span.line, column + len(slug))
    return Fix(f"write {meant!r}", (Edit(place, meant),))


def _unused(item: _Allowance) -> Diagnostic:
    message = f"nothing on line {item.remark.about} is {item.slug}, so there is nothing to allow"
    if item.remark.about is None:
        message = f"no line follows, so there is no {item.slug} to allow"
    fix = Fix("remove the comment", (Edit(item.remark.removal, ""),))
    span, warning = item.remark.span, Severity.WARNING
    return Diagnostic("suppression-unused", message, span=span, hint="remove the comment", severity=warning, fix=fix)
