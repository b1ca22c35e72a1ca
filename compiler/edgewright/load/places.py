"""Places of the parts of a text, kept as the parser gave them: a span is made when somebody asks for it.

Nobody asks for those of a document that is right, which is nearly every document. Knows nothing of documents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from edgewright.kernel.diagnostics import Span

Path = tuple[str | int, ...]
"""The way to a value: keys and positions from the root."""


class Places(Mapping[Path, Span]):
    """Spans by path, out of the parser's marks: where the first event of a part starts, and where its last one ends."""

    __slots__ = ("_marks", "_name", "_spans")

    def __init__(self, name: str, marks: Mapping[Path, tuple[Any, Any]]) -> None:
        self._name = name
        self._marks = marks
        self._spans: dict[Path, Span] = {}

    def __getitem__(self, path: Path) -> Span:
        """The place of a part; KeyError when there is none."""
        found = self._spans.get(path)
        if found is None:
            found = self._spans[path] = span_between(self._name, *self._marks[path])
        return found

    def __contains__(self, path: object) -> bool:
        """Tell whether there is such a part."""
        return path in self._marks

    def __iter__(self) -> Iterator[Path]:
        """The ways to all parts, in the order of the text."""
        return iter(self._marks)

    def __len__(self) -> int:
        """How many parts there are."""
        return len(self._marks)


def span_between(name: str, start: Any, end: Any) -> Span:
    """The span between two of the parser's marks, which count from 0."""
    return Span(name, start.line + 1, start.column + 1, end.line + 1, end.column + 1)
