"""Positions: from lines and columns, as spans count them, to places in a text and back.

Pure. Lines end where the YAML parser ends them: besides line feed and carriage return also at NEL, LS and PS.
"""

from __future__ import annotations

import bisect
import re
from functools import cached_property

from edgewright.kernel.diagnostics import Span

_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")


class Positions:
    """The lines of one text."""

    def __init__(self, text: str, path: str) -> None:
        self.text = text
        self.path = path
        self._starts = [0, *(found.end() for found in _BREAK.finditer(text))]

    def offsets(self, span: Span) -> tuple[int, int] | None:
        """Where a span starts and ends in the text; None when it is not in it."""
        start, end = self._offset(span.line, span.column), self._offset(span.end_line, span.end_column)
        return (start, end) if start is not None and end is not None and start <= end else None

    def span(self, start: int, end: int) -> Span:
        """The span of a part of the text."""
        first, last = self._line(start), self._line(end)
        return Span(self.path, first, start - self._starts[first - 1] + 1, last, end - self._starts[last - 1] + 1)

    def line_of(self, offset: int) -> tuple[int, int]:
        """Where the line that holds a place starts, and where the next one does."""
        number = self._line(offset)
        return self._starts[number - 1], self._starts[number] if number < len(self._starts) else len(self.text)

    def next_content(self, offset: int) -> int | None:
        """The number of the first line after that of a place that is neither empty nor a comment."""
        lines = self._lines_with_content
        index = bisect.bisect_right(lines, self._line(offset))
        return lines[index] if index < len(lines) else None

    @cached_property
    def _lines_with_content(self) -> list[int]:
        ends = [*self._starts[1:], len(self.text)]
        lines = (self.text[start:end].strip() for start, end in zip(self._starts, ends, strict=True))
        return [number for number, line in enumerate(lines, 1) if line and not line.startswith("#")]

    def _line(self, offset: int) -> int:
        return bisect.bisect_right(self._starts, offset)

    def _offset(self, line: int, column: int) -> int | None:
        if line > len(self._starts):
            return None
        start, end = self.line_of(self._starts[line - 1])
        return start + column - 1 if start + column - 1 <= end else None
