"""Diagnostics: what edgewright tells people, as ordered, hashable values.

Owns the place (`Span`), the message (`Diagnostic`), the exception that carries them (`EdgewrightError`) and the exit
codes. Knows nothing of how they are printed. Invariant: lines and columns count from 1.
"""

from __future__ import annotations

import difflib
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

    @property
    def sort_key(self) -> tuple[str, int, int, str, str]:
        """Order of reports: by place, then by rule; what has no place comes last."""
        if self.span is None:
            return ("\uffff", 0, 0, self.slug, self.message)
        return (self.span.path, self.span.line, self.span.column, self.slug, self.message)


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


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """Name the closest known word, or list the known ones when nothing is close."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return "known: " + ", ".join(names) if names else None
