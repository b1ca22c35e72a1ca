"""Names that a blueprint uses: how an unknown one is told, and which compression choices there are to look at."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic
from edgewright.load.places import Path
from edgewright.spec.v1beta1.compression import PolicyChoice

_UNREAD_SHOWN = 5


def unknown(
    subject: Subject, slug: str, kind: str, name: str, known: Collection[str], path: Path
) -> Iterator[Diagnostic]:
    """Say that a name is declared nowhere, with the closest one, and the files that could not be read."""
    if subject.is_unknown(kind, name, known):
        word, unread = slug.removeprefix("unknown-"), subject.repository.unread
        broken = {other for broken_kind, other in subject.repository.broken if broken_kind == kind}
        found = subject.misnamed(slug, f"there is no {word} {name!r}", path, name, {*known, *broken})
        if unread:
            notes = (f"not read, so it may be there: {', '.join(unread[:_UNREAD_SHOWN])}",)
            found = replace(found, notes=notes, fix=None)
        yield replace(found, hint=found.hint or f"the repository has no document of kind {kind}")


def choices(subject: Subject) -> Iterator[tuple[PolicyChoice, Path]]:
    """Every compression that a build uses, once, and where it is written."""
    seen: set[Path] = set()
    for _, _, choice, path in subject.builds():
        if choice is not None and path not in seen:
            seen.add(path)
            yield choice, path
