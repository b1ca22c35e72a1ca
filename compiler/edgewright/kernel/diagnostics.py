"""Diagnostics: what edgewright tells people, as ordered, hashable values.

Owns the place (`Span`), the message (`Diagnostic`) with the places that belong to it (`Related`) and the edits that
would mend it (`Fix`), the exception that carries them (`EdgewrightError`) and the exit codes. Knows nothing of how they
are printed, nor of how a fix is applied. Invariants: lines and columns count from 1; a fix is certain, or there is
none.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum


class ExitCode(IntEnum):
    """What a command's exit status means; documented in docs/reference/exit-codes.md."""

    OK = 0
    BUG = 1
    USAGE = 2
    DOCUMENTS = 3
    GATE = 4
    ROLLOUT = 5
    CHANGES = 6
    MISSING = 7
    INTERRUPTED = 130
    READER_GONE = 141


class Severity(StrEnum):
    """How much a diagnostic weighs: only an error stops a command."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A place in a document: a path as the user knows it, and lines and columns that count from 1."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int

    def __post_init__(self) -> None:
        if self.line < 1 or self.column < 1:
            raise ValueError(f"a span starts at line 1, column 1, not {self.line}:{self.column}")

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class Related:
    """Another place that belongs to a diagnostic, and what it has to do with it: `used here`."""

    span: Span
    message: str


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """One change of a text: what stands in the span is replaced; an empty span is where text is put in."""

    span: Span
    replacement: str


@dataclass(frozen=True, slots=True, order=True)
class Fix:
    """The edits that mend what a diagnostic says, all or none of them; `description` says what they do: `write 'x'`."""

    description: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One message. `subject` names the thing when there is no document to point at: a host, a file, a tool."""

    slug: str
    message: str
    span: Span | None = None
    subject: str | None = None
    notes: tuple[str, ...] = ()
    hint: str | None = None
    severity: Severity = field(default=Severity.ERROR)
    related: tuple[Related, ...] = ()
    fix: Fix | None = None

    @property
    def sort_key(self) -> tuple[str, int, int, str, str]:
        """Order of reports: by place, then by rule; what has no place comes last."""
        if self.span is None:
            return ("\uffff", 0, 0, self.slug, self.message)
        return (self.span.path, self.span.line, self.span.column, self.slug, self.message)


@dataclass(frozen=True, slots=True)
class Allowed:
    """A diagnostic that a comment in its document allows: where, and for which reason."""

    diagnostic: Diagnostic
    reason: str
    span: Span


class EdgewrightError(Exception):
    """Ends a command: carries what to print and the exit code. Raised deep, printed once, at the command boundary."""

    def __init__(self, *diagnostics: Diagnostic, exit_code: ExitCode = ExitCode.DOCUMENTS) -> None:
        super().__init__("; ".join(d.message for d in diagnostics))
        self.diagnostics = diagnostics
        self.exit_code = exit_code

    def placed(self, span: Span) -> EdgewrightError:
        """The same error, with a place for those of its diagnostics that have none: where it was asked for."""
        diagnostics = (replace(d, span=span) if d.span is None else d for d in self.diagnostics)
        return EdgewrightError(*diagnostics, exit_code=self.exit_code)


def fail(
    slug: str,
    message: str,
    *,
    exit_code: ExitCode = ExitCode.DOCUMENTS,
    span: Span | None = None,
    subject: str | None = None,
    notes: tuple[str, ...] = (),
    hint: str | None = None,
) -> EdgewrightError:
    """Make the exception for a single diagnostic: `raise fail("missing-tool", …)`."""
    return EdgewrightError(
        Diagnostic(slug, message, span=span, subject=subject, notes=notes, hint=hint), exit_code=exit_code
    )


@contextmanager
def asked_at(span: Span) -> Iterator[None]:
    """Give what goes wrong in the block, and has no place of its own, this one."""
    try:
        yield
    except EdgewrightError as error:
        raise error.placed(span) from error


def sure_match(name: str, known: Iterable[str]) -> str | None:
    """The one known word that can have been meant, or None when that is not certain.

    Words that differ only in case, dashes and underscores are the same word. Else one typing error is allowed (a letter
    too many, missing, wrong, or two exchanged), two from eight letters on; never in the digits, which tell names apart.
    """
    words = set(known)
    same = [word for word in words if _folded(word) == _folded(name)]
    if same:
        return same[0] if len(same) == 1 else None
    allowed = 0 if len(name) < 4 else 1 if len(name) < 8 else 2
    close = [word for word in words if _digits(word) == _digits(name) and _typing_errors(name, word) <= allowed]
    return close[0] if len(close) == 1 else None


def _folded(word: str) -> str:
    return word.replace("_", "").replace("-", "").lower()


def _digits(word: str) -> list[str]:
    return re.findall("[0-9]+", word)


def _typing_errors(one: str, other: str) -> int:
    """Edit distance in which the exchange of two neighbours counts once (optimal string alignment)."""
    if abs(len(one) - len(other)) > 2:
        return 3
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        last, before, row = before, row, [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """Name the closest known word, or list the known ones when nothing is close."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return "known: " + ", ".join(names) if names else None
