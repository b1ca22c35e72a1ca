"""What `check` found, as the forms of its report read it; and what those forms share: values, order, fingerprints.

Pure but for the lines of files, which `Sources` reads. Invariant: nothing here depends on where the machine keeps the
repository, so the same commit gives the same report.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgewright.cli.output.sources import Sources
from edgewright.kernel.diagnostics import Allowed, Diagnostic


@dataclass(frozen=True, slots=True)
class Findings:
    """Diagnostics that stand, those that are allowed in place, and the documents that were looked at.

    `details` is what `check` found besides (names, estimates); forms for other tools have no place for it.
    """

    diagnostics: tuple[Diagnostic, ...]
    allowed: tuple[Allowed, ...] = ()
    documents: tuple[str, ...] = ()
    root: Path = Path()
    details: dict[str, Any] | None = None

    @property
    def sources(self) -> Sources:
        """The files that diagnostics point into."""
        return Sources([self.root])

    def ordered(self) -> list[tuple[Diagnostic, Allowed | None]]:
        """Everything in order of place, with its allowance where there is one."""
        standing: list[tuple[Diagnostic, Allowed | None]] = [(d, None) for d in self.diagnostics]
        allowed: list[tuple[Diagnostic, Allowed | None]] = [(a.diagnostic, a) for a in self.allowed]
        return sorted(standing + allowed, key=lambda pair: pair[0].sort_key)


def as_values(diagnostic: Diagnostic, sources: Sources) -> dict[str, Any]:
    """A diagnostic as JSON values; paths as they are shown."""
    result = asdict(diagnostic)
    for place in _places(result):
        place["path"] = sources.shown_path(place["path"])
    return result


def _places(result: dict[str, Any]) -> list[dict[str, Any]]:
    edits = result["fix"]["edits"] if result["fix"] else ()
    places = [result, *result["related"], *edits]
    return [place["span"] for place in places if place["span"] is not None]


def allowance_values(allowed: Allowed, sources: Sources) -> dict[str, Any]:
    """What `as_values` says of a diagnostic, with the reason why it is allowed and the place of the comment."""
    place = asdict(allowed.span) | {"path": sources.shown_path(allowed.span.path)}
    return as_values(allowed.diagnostic, sources) | {"allowed": {"reason": allowed.reason, "span": place}}


def well_formed(value: Any) -> Any:
    """The value without halves of surrogate pairs, which paths that are not UTF-8 have and many JSON readers refuse."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {well_formed(key): well_formed(item) for key, item in value.items()}
    return [well_formed(item) for item in value] if isinstance(value, list | tuple) else value


def fingerprints(diagnostics: Sequence[Diagnostic], sources: Sources) -> list[str]:
    """A name for each finding that stays the same when lines move: rule, file, text of the line, and which of its like.

    Messages are left out, because some name lines.
    """
    seen: Counter[str] = Counter()
    found = []
    for diagnostic in diagnostics:
        span = diagnostic.span
        line = sources.line(span) if span else None
        what = diagnostic.subject or diagnostic.message if span is None else (line or "").strip()
        parts = [diagnostic.slug, span.path if span else "", what]
        key = hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()
        seen[key] += 1
        found.append(hashlib.sha256(f"{key} {seen[key]}".encode()).hexdigest())
    return found


def full_message(diagnostic: Diagnostic, sources: Sources) -> str:
    """Message, notes, related places and hint, a line each."""
    lines = [diagnostic.message, *diagnostic.notes]
    for related in diagnostic.related:
        where = f"{sources.shown_path(related.span.path)}:{related.span.line}:{related.span.column}"
        lines.append(f"{related.message}: {where}")
    if diagnostic.hint:
        lines.append(f"hint: {diagnostic.hint}")
    if diagnostic.fix:
        lines.append(f"fix: `edgewright check --fix` will {diagnostic.fix.description}")
    return "\n".join(lines)
