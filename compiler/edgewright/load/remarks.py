"""Remarks: comments of a document that speak to edgewright, such as `# edgewright: allow SLUG because REASON`.

Owns which comments are meant and which line each is about; what they say is not understood here. Pure. Invariants: a
`#` in a key, a value or another comment is no comment; a document without the marker costs one search of its bytes.
"""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass

import yaml

from edgewright.kernel.diagnostics import Span
from edgewright.load.positions import Positions
from edgewright.load.yaml12 import SpanMap

_MARKER = re.compile(rb"#[ \t]*edgewright[ \t]*:")
REMARKS_READ = 100
"""Of one document; one more is returned, so that it can be said that there are more."""
_REMARK = re.compile("#[ \t]*edgewright[ \t]*:([^\r\n\x85\u2028\u2029]*)")


@dataclass(frozen=True, slots=True)
class Remark:
    """What is said after `# edgewright:`, and where.

    `about` is the line that it is about: its own when something else stands there, else the next one with content; and
    `blocks` are the values of keys on that line which start below it.
    `removal` is what to delete so that nothing of it is left: its whole line, or the end of it.
    """

    text: str
    span: Span
    about: int | None
    blocks: frozenset[Span]
    removal: Span

    @property
    def path(self) -> str:
        """The file that it is in."""
        return self.span.path

    def covers(self, span: Span) -> bool:
        """Tell whether something that is said of a place is said of what the remark is about."""
        return span.path == self.span.path and (span.line == self.about or span in self.blocks)


def find_remarks(data: bytes, spans: SpanMap) -> list[Remark]:
    """The remarks of a document that was parsed before, with the places of its keys and values."""
    if not _MARKER.search(data):
        return []
    text = data.decode("utf-8")
    positions = Positions(text, spans.path)
    scalars, blocks = _scalars(text, positions), _blocks(spans)
    remarks: list[Remark] = []
    for found in _REMARK.finditer(text):
        start, end = found.start(), found.start() + len(found[0].rstrip())
        index = bisect.bisect_right(scalars, (start, len(text)))
        scalar_end = scalars[index - 1][1] if index else 0
        if start < scalar_end:
            continue
        line_start, line_end = positions.line_of(start)
        before = text[max(line_start, scalar_end) : start]
        if "#" in before or (before and not before[-1].isspace()):
            continue  # the middle of another comment, or no comment
        is_alone = not text[line_start:start].strip()
        removal = (line_start, line_end) if is_alone else (start - len(before) + len(before.rstrip()), end)
        about = positions.next_content(start) if is_alone else positions.span(start, end).line
        below = frozenset(blocks.get(about or 0, ()))
        remarks.append(Remark(found[1].strip(), positions.span(start, end), about, below, positions.span(*removal)))
        if len(remarks) > REMARKS_READ:
            break
    return remarks


def _blocks(spans: SpanMap) -> dict[int, list[Span]]:
    """Line of a key to the values that start below it."""
    found: dict[int, list[Span]] = {}
    for path, key in spans.keys.items():
        if spans.values[path].line != key.line:
            found.setdefault(key.line, []).append(spans.values[path])
    return found


def _scalars(text: str, positions: Positions) -> list[tuple[int, int]]:
    """Where keys and values stand, in order. The first line of a block scalar is its header: it may have a comment."""
    found = []
    for token in yaml.scan(text, Loader=yaml.CSafeLoader):
        if isinstance(token, yaml.ScalarToken):
            start, end = token.start_mark.index, token.end_mark.index
            found.append((positions.line_of(start)[1] if token.style in ("|", ">") else start, end))
    return found
