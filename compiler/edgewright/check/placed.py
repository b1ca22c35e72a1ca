"""Reports on devices, wherever they are written: at their place in the fleet document or in the inventory.

Owns how many are named and how the others are told of. Must not know a rule. Invariant: an inventory is read again only
when one of its hosts is reported, and then once for all hosts that a rule reports.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from edgewright.check.whole import MOST_REPORTED, Placed, Whole
from edgewright.kernel.diagnostics import Diagnostic, Related, Severity
from edgewright.load.places import Path


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a device, or with something in it that `inner` leads to; `other` is whom it disagrees with."""

    placed: Placed
    message: str
    hint: str
    inner: Path = ()
    other: Placed | None = None


def report(
    whole: Whole, slug: str, findings: Iterable[Finding], severity: Severity = Severity.ERROR, more: str | None = None
) -> Iterator[Diagnostic]:
    """The first findings, each at its place; if there are others and `more` has words for them, those once."""
    found = list(islice(findings, MOST_REPORTED + 1))
    named = found[:MOST_REPORTED]
    places = [(item.placed, item.inner) for item in named]
    places += [(item.other or item.placed, item.inner) for item in named]
    spans = whole.spans_of(places)
    for item, span, other in zip(named, spans[: len(named)], spans[len(named) :], strict=True):
        related = () if item.other is None else (Related(other, "the other is written here"),)
        yield Diagnostic(slug, item.message, span=span, hint=item.hint, related=related, severity=severity)
    if more is not None and len(found) > MOST_REPORTED:
        last = found[-1].placed
        yield Diagnostic(slug, more, span=last.fleet.spans.span(last.section), severity=severity)
