"""Columns: where in a YAML file a character of a scalar's text stands, whatever the style it was written in.

Pure. Walks text and source side by side. Exact for plain, quoted, literal and folded scalars.
"""

from __future__ import annotations

import re

from edgewright.kernel.diagnostics import Span

_WORD = re.compile(r"\w+")
_ESCAPES = {"x": 2, "u": 4, "U": 8}


def place_of(source: str, span: Span, text: str, offset: int) -> Span:
    """The place of the character at `offset` of `text`, which the scalar at `span` of `source` gave."""
    lines = source.split("\n")
    start = sum(len(line) + 1 for line in lines[: span.line - 1]) + span.column - 1
    positions = _positions(source, start, text)
    if not positions or start >= len(source):
        return span
    position = positions[min(offset, len(positions) - 1)] + max(0, offset - len(positions) + 1)
    line = source.count("\n", 0, position) + 1
    column = position - (source.rfind("\n", 0, position) + 1) + 1
    word = _WORD.match(source, position)
    return Span(span.path, line, column, line, column + (word.end() - position if word else 1))


def _positions(source: str, start: int, text: str) -> list[int]:
    """For every character of the text, where it stands in the source; shorter when they part ways."""
    style = source[start : start + 1]
    indent, at = 0, start + (style in ("'", '"'))
    if style in "|>":
        at = source.find("\n", start) + 1
        indent = _next_word(source, at) - (source.rfind("\n", 0, _next_word(source, at)) + 1)
        at = _past_indent(source, at, indent)
    found: list[int] = []
    for character in text:
        at = _skip_continuation(source, at) if style == '"' else at
        found.append(at)
        if character == "\n" and style == "|":
            at = _past_indent(source, source.find("\n", at) + 1, indent)
        elif character in " \n" and _is_line_end(source, at):
            at = _next_word(source, at)
        elif source[at : at + 1] == character or source[at : at + 1] == "\\" or style == "'":
            at += _width(source, at, style)
        elif character not in " \n":
            break
    return found


def _is_line_end(source: str, at: int) -> bool:
    end = source.find("\n", at)
    return not source[at : end if end >= 0 else len(source)].strip(" \t\r")


def _next_word(source: str, at: int) -> int:
    """The next character that is not blank."""
    while source[at : at + 1] and source[at : at + 1] in " \t\r\n":
        at += 1
    return at


def _past_indent(source: str, at: int, indent: int) -> int:
    end = at + indent
    while at < end and source[at : at + 1] == " ":
        at += 1
    return at


def _skip_continuation(source: str, at: int) -> int:
    while source[at : at + 2] in ("\\\n", "\\\r"):
        at = _next_word(source, at + 1)
    return at


def _width(source: str, at: int, style: str) -> int:
    """How many characters of the source one character of the text takes."""
    if style == "'" and source[at : at + 2] == "''":
        return 2
    if style == '"' and source[at : at + 1] == "\\":
        return 2 + _ESCAPES.get(source[at + 1 : at + 2], 0)
    return 1
