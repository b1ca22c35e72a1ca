"""Rewriting of YAML text by changes: only what changes is touched; comments, order, quotes and blank lines stay.

Pure. Edits are made at the places of nodes in the text, from the end to the start. Must not know what a document means.
Invariant, checked by whoever calls: the text that comes out reads as the changed value, and has the same comments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from edgewright.spec.changes import Change, Dropped, Renamed, Way

_WIDTH = 1 << 20  # never fold


@dataclass(frozen=True, slots=True)
class _Edit:
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class _Pair:
    """A value in its mapping or list; `key` and what follows are None in a list."""

    parent: Any
    key: Any
    value: Any
    index: int


def rewrite(text: str, changes: Sequence[Change]) -> str:
    """The text of a document after some changes. The document was parsed before, so its nodes are there."""
    root = yaml.compose(text, Loader=yaml.CSafeLoader)
    edits = [edit for change in changes for edit in _edits(text, _find(root, change.path), change)]
    for edit in sorted(edits, key=lambda e: e.start, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def comments(text: str) -> list[str]:
    """Every comment of a YAML text in order: between its tokens, and behind the sign that starts a block of text."""
    found: list[str] = []
    end = 0
    for token in yaml.scan(text, Loader=yaml.CSafeLoader):
        found += _comments_of(text[end : token.start_mark.index])
        if isinstance(token, yaml.ScalarToken) and token.style in ("|", ">"):
            found += _comments_of(text[token.start_mark.index :].split("\n", 1)[0])
        end = max(end, token.end_mark.index)
    return found + _comments_of(text[end:])


def _comments_of(gap: str) -> list[str]:
    return [line[line.index("#") :].rstrip() for line in gap.splitlines() if "#" in line]


def _find(root: Any, path: Way) -> _Pair:
    pair = _Pair(None, None, root, 0)
    for part in path:
        parent = pair.value
        if isinstance(parent, yaml.MappingNode):
            places = ((i, k, v) for i, (k, v) in enumerate(parent.value) if k.value == part)
            index, key, value = next(places)
            pair = _Pair(parent, key, value, index)
        else:
            assert isinstance(part, int)
            pair = _Pair(parent, None, parent.value[part], part)
    return pair


def _edits(text: str, pair: _Pair, change: Change) -> Iterator[_Edit]:
    if isinstance(change, Renamed):
        start, end = pair.key.start_mark.index, pair.key.end_mark.index
        yield _Edit(start, end, _scalar(change.key, pair.key))
    elif isinstance(change, Dropped):
        yield _drop_in_flow(text, pair) if pair.parent.flow_style else _drop_in_block(text, pair)
    else:
        yield _Edit(pair.value.start_mark.index, _end(text, pair.value), _scalar(change.value, pair.value))


def _scalar(value: Any, old: Any) -> str:
    """A value in one line, in the quotes of what it replaces."""
    style = getattr(old, "style", None)
    if isinstance(value, str) and style in ("'", '"'):
        return f"{style}{value}{style}" if re.fullmatch(r"[A-Za-z0-9 ./_-]*", value) else repr(value)
    dumped = yaml.safe_dump(value, default_flow_style=True, width=_WIDTH, sort_keys=False, allow_unicode=True)
    return str(dumped).removesuffix("...\n").rstrip("\n")


def _end(text: str, node: Any) -> int:
    """Where the text of a node ends, without the blank and the comments that its mark may lie behind."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style or not node.value:
        start, end = node.start_mark.index, node.end_mark.index
        return int(start + len(text[start:end].rstrip()))
    last = node.value[-1]
    return _end(text, last[1] if isinstance(last, tuple) else last)


def _drop_in_block(text: str, pair: _Pair) -> _Edit:
    """The line goes; a comment behind it stays, alone."""
    start, end = pair.key.start_mark.index, _end(text, pair.value)
    line_start = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", end)
    line_end = len(text) if line_end < 0 else line_end
    rest = text[end:line_end]
    if rest.strip():
        return _Edit(start, end + rest.index(rest.strip()[0]), "")
    if not text[line_start:start].strip():
        return _Edit(line_start, min(line_end + 1, len(text)), "")
    if pair.index + 1 < len(pair.parent.value):
        return _Edit(start, pair.parent.value[pair.index + 1][0].start_mark.index, "")
    return _Edit(start, end, "")


def _drop_in_flow(text: str, pair: _Pair) -> _Edit:
    """The pair goes with the comma behind it; YAML allows one before the closing brace."""
    start, end = pair.key.start_mark.index, _end(text, pair.value)
    behind = re.compile(r"(?:\s|#[^\n]*\n)*,[ \t]*").match(text, end)
    if behind is not None and "#" not in behind[0]:
        return _Edit(start, behind.end(), "")
    if behind is None and pair.index:
        before = _end(text, pair.parent.value[pair.index - 1][1])
        if "#" not in text[before:start]:
            return _Edit(before, end, "")
    return _Edit(start, end, "")
