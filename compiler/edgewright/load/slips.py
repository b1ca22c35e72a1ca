"""Slips of the pen in YAML: what a parser's complaint most likely means, and where the slip itself stands.

Pure. A parser stops where it cannot go on, which is often a line later than the mistake, and in words of its grammar.
Invariant: a hint is only given when the text beside the place shows the slip; otherwise the parser's words stay alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import yaml

from edgewright.kernel.diagnostics import Diagnostic, Span

_BREAKS = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_LOOKED_BACK = 50
_LONGEST = 4 << 20
"""Characters of a text whose lines are looked at; only inventories are longer."""
_KEY = re.compile(r":([ \t]|$)")
_DASH = re.compile(r"-[^ \t\n-]")
"""A list entry that is none."""
_ODD_BLANK = re.compile("(?:^[ ]*|[:-][ ]*)([\xa0\u1680\u2000-\u200b\u202f\u205f\u3000\ufeff])")
"""Blanks of other alphabets and of word processors where YAML wants its own: in indentation, after a colon or dash."""


@dataclass(frozen=True, slots=True)
class _Slip:
    hint: str
    line: int | None = None
    column: int | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class _Complaint:
    """Where a parser stopped; lines and columns count from 0, as its own do."""

    problem: str
    context: str
    start: yaml.Mark | None
    line: int
    column: int
    lines: tuple[str, ...]

    @property
    def here(self) -> str:
        return self.lines[self.line] if self.line < len(self.lines) else ""

    @property
    def began(self) -> str:
        return f"line {self.start.line + 1}, column {self.start.column + 1}" if self.start else "the line before"

    def before(self) -> tuple[int, str] | None:
        """The last line above that says something, with its number from 1."""
        for number in range(self.line, max(0, self.line - _LOOKED_BACK), -1):
            line = re.sub(r"(^|[ \t])#.*", "", self.lines[number - 1] if number <= len(self.lines) else "").rstrip()
            if line:
                return number, line
        return None


def explain(error: yaml.MarkedYAMLError, text: str, name: str) -> Diagnostic:
    """The diagnostic for a text that is not YAML; `name` is how its file is called."""
    mark = error.problem_mark or error.context_mark
    problem, context = error.problem or "", error.context or ""
    line, column = (mark.line, mark.column) if mark else (0, 0)
    lines = tuple(_BREAKS.split(text)) if len(text) <= _LONGEST else ()
    complaint = _Complaint(problem, context, error.context_mark, line, column, lines)
    slip = next((found for test in _TESTS if (found := test(complaint)) is not None), None)
    if slip is not None and slip.line is not None:
        line, column = slip.line, slip.column or 0
    message = (slip.message if slip else None) or f"not YAML: {problem or context}"
    span = Span(name, line + 1, column + 1, line + 1, column + 2)
    return Diagnostic("yaml-syntax", message, span=span, hint=slip.hint if slip else None)


def _odd_blank(at: _Complaint) -> _Slip | None:
    for number in range(at.line, max(-1, at.line - 3), -1):
        found = _ODD_BLANK.search(at.lines[number]) if number < len(at.lines) else None
        if found is not None:
            message = f"not YAML: a blank of another kind, U+{ord(found[1]):04X}, looks like one here"
            return _Slip("write an ordinary blank", number, found.start(1), message)
    return None


def _tab(at: _Complaint) -> _Slip | None:
    if "tab character" in at.problem or at.here[at.column : at.column + 1] == "\t":
        return _Slip("indent with blanks: a tab stands here")
    return None


def _first_character(at: _Complaint) -> _Slip | None:
    first = {"while scanning an alias": "*", "while scanning an anchor": "&"}.get(at.context)
    if first is None and "cannot start any token" in at.problem:
        first = at.here[at.column : at.column + 1]
    return _Slip(f"text that begins with {first} needs quotes") if first else None


def _quote(at: _Complaint) -> _Slip | None:
    if "quoted scalar" not in at.context or at.start is None:
        return None
    if "end of stream" in at.problem or "document indicator" in at.problem:
        message = "not YAML: the quote that opens here is not closed"
        return _Slip("close it where the text ends", at.start.line, at.start.column, message)
    if "escape" in at.problem or "hexdecimal" in at.problem:
        return _Slip("in double quotes a backslash begins an escape: write \\\\, or use single quotes")
    return None


def _bracket(at: _Complaint) -> _Slip | None:
    if "flow" not in at.context:
        return None
    bracket = "[" if "sequence" in at.context else "{"
    return _Slip(f"close the {bracket} of {at.began}, or put a comma between its entries")


def _colon(at: _Complaint) -> _Slip | None:
    """A colon too many on the line, or one too few on the line before."""
    if "expected ':'" in at.problem and at.start is not None:
        return _Slip(f"{at.began}: a key has a colon and a blank after it", at.start.line, at.start.column)
    if "mapping values are not allowed" not in at.problem:
        return None
    if _DASH.match(at.here.lstrip(" ")):
        return _Slip("put a blank after the dash")
    if re.search(r":[ \t]", at.here[: at.column]):
        return _Slip("text that holds a colon and a blank needs quotes")
    above = at.before()
    if above is None:
        return None
    if _KEY.search(above[1]):
        return _Slip(f"this key is indented deeper than line {above[0]}, which has a value already: start both alike")
    return _no_key(above[0])


def _no_key(number: int) -> _Slip:
    return _Slip(f"line {number} is no key yet: a key has a colon and a blank after it")


def _indentation(at: _Complaint) -> _Slip | None:
    if "block mapping" not in at.context and "block collection" not in at.context:
        return None
    left, right = at.here[: at.column], at.here[at.column :]
    if left.strip(" -"):
        return _Slip("put the whole value in quotes, or nothing after a quote that is closed")
    if _DASH.match(right):
        return _Slip("put a blank after the dash")
    above = at.before()
    if above is not None and not _KEY.search(above[1]) and not above[1].lstrip(" ").startswith("- "):
        return _no_key(above[0])
    column = at.start.column if at.start else 0
    if "collection" in at.context:
        return _Slip(
            f"the list that began at {at.began} goes on with a dash in that column; what follows it, left of it"
        )
    if column == at.column:
        return _Slip(f"a list entry stands among the keys of the mapping that began at {at.began}")
    return _Slip(f"keys of one mapping start in one column: the mapping began at {at.began}")


def _block_text(at: _Complaint) -> _Slip | None:
    return _Slip("the text of | and > begins on the next line") if "block scalar" in at.context else None


_TESTS = (_odd_blank, _tab, _first_character, _quote, _bracket, _colon, _indentation, _block_text)
