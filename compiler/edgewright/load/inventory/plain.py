"""Plain YAML: files of which every line is `key:`, `key: value` on one line, a comment or empty.

Most inventories are like that, and most of their lines are alike: each distinct line is understood once, which reads
them several times faster than a YAML parser. Whatever is not certain to mean the same to YAML is not plain: tabs, block
and multi-line scalars, sequences, escapes, anchors, tags, text outside ASCII, duplicate keys. Invariant: a text that is
plain gives what `events.parse` gives. Values that came from equal lines are shared, so nobody may change them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

# possessive quantifiers: a hostile line costs one pass
_WORD = r"[A-Za-z0-9_/.](?:[A-Za-z0-9_/.+=@~-]|:(?=[A-Za-z0-9_/.]))*+"
_PLAIN = rf"-?{_WORD}(?:\x20{_WORD})*+"
_QUOTED = r"'[\x20-\x26\x28-\x7e]*+'|\"[\x20\x21\x23-\x5b\x5d-\x7e]*+\""
_FLOW_VALUE = rf"(?:{_QUOTED}|-?[A-Za-z0-9_/.][A-Za-z0-9_/.+=@~-]*+)"
_KEY = r"[A-Za-z0-9_][A-Za-z0-9_.-]*+"
_COMMA = r"\x20*+,\x20*+"
_FLAT = rf"\{{\x20*+(?:{_KEY}:\x20++{_FLOW_VALUE}(?:{_COMMA}{_KEY}:\x20++{_FLOW_VALUE})*+\x20*+)?+\}}"
_PAIR = rf"{_KEY}:\x20++(?:{_FLOW_VALUE}|{_FLAT})"
_FLOW = rf"\{{\x20*+(?:{_PAIR}(?:{_COMMA}{_PAIR})*+\x20*+)?+\}}"
_LINE = re.compile(
    rf"(\x20*+)(?:({_KEY}):(?:\x20++(?:({_PLAIN})|({_QUOTED})|({_FLOW}))?+)?+(?:(?<=\x20)|(?=\x20|\Z)))?+"
    r"\x20*+(?:(?:(?<=\x20)|(?<!.))\#[\x20-\x7e]*+)?+"
)
_USUAL = re.compile(r"(\x20*+)([a-z][a-z0-9]*+[_-][a-z0-9_-]*+):(?:\x20([A-Za-z0-9_/.]++))?+")
"""Most lines: a key with a dash or an underscore in it, which is text to YAML, and one word or nothing."""
_PAIRS = re.compile(rf"({_KEY}):\x20++(?:({_FLAT})|({_FLOW_VALUE}))")
_DEEPEST = 64
_Line = tuple[int, str, Any]
_OPEN = object()
"""Stands for the value of a key whose line has none."""


class NotPlainError(Exception):
    """The text needs a YAML parser."""


def parse_plain(text: str, plain: Callable[[str], Any]) -> dict[str, Any]:
    """The mapping that a plain text is; `plain` gives the value of unquoted scalars. Raises `NotPlainError`."""
    known: dict[str, _Line] = {}
    block = _Block()
    for number, line in enumerate(text.split("\n")):
        entry = known.get(line)
        if entry is None:
            if number == 0 and line == "---":
                continue
            entry = known[line] = _understand(line, plain)
        indent, key, value = entry
        if indent != block.indent:
            if indent < 0:
                continue
            block.move(indent)
        current = block.current
        if key in current:
            raise NotPlainError
        if value is _OPEN:
            current[key] = None
            block.open_key = key
        else:
            current[key] = value
            block.open_key = None
    if not block.root:
        raise NotPlainError
    return block.root


class _Block:
    """Where in the nesting a line stands."""

    def __init__(self) -> None:
        self.root: dict[str, Any] = {}
        self.current = self.root
        self.indent = -2
        self.open_key: str | None = None
        self._outer: list[tuple[int, dict[str, Any]]] = []

    def move(self, indent: int) -> None:
        """Go to the mapping whose keys stand at an indent: a new one below the open key, or one further out."""
        if self.indent < 0:
            self.indent = indent
            return
        if indent > self.indent:
            if self.open_key is None or len(self._outer) > _DEEPEST:
                raise NotPlainError
            self._outer.append((self.indent, self.current))
            inner: dict[str, Any] = {}
            self.current[self.open_key] = inner
            self.current, self.indent = inner, indent
            return
        while indent < self.indent and self._outer:
            self.indent, self.current = self._outer.pop()
        if indent != self.indent:
            raise NotPlainError


def _understand(line: str, plain: Callable[[str], Any]) -> _Line:
    usual = _USUAL.fullmatch(line)
    if usual is not None:
        spaces, key, word = usual.groups()
        return len(spaces), key, _OPEN if word is None else plain(word)
    match = _LINE.fullmatch(line)
    if match is None:
        raise NotPlainError
    spaces, key, word, quoted, flow = match.groups()
    if key is None:
        return -1, "", None
    if plain(key) != key:
        raise NotPlainError
    if word is not None:
        value = plain(word)
    elif quoted is not None:
        value = quoted[1:-1]
    else:
        value = _OPEN if flow is None else _mapping(flow, plain)
    return len(spaces), key, value


def _mapping(text: str, plain: Callable[[str], Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, inner, word in _PAIRS.findall(text[1:]):
        if key in result or plain(key) != key:
            raise NotPlainError
        if inner:
            result[key] = _mapping(inner, plain)
        else:
            result[key] = word[1:-1] if word[0] in "'\"" else plain(word)
    return result
