"""Strict YAML: bytes to values and spans, over PyYAML's C parser with the scalars of YAML 1.2's core schema.

Refused with their place: duplicate keys, merge keys, aliases and anchors, tags, several documents, keys that are not
text, NaN and infinities, control characters, depth over 32. `no`, `on`, `012` and `12:30` are text or plain numbers, as
YAML 1.2 says. Knows nothing of documents.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from edgewright.kernel.diagnostics import Diagnostic, Span

SIZE_LIMIT_BYTES = 1 << 20
DEPTH_LIMIT = 32
Path = tuple[str | int, ...]
"""The way to a value: keys and positions from the root."""

_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
# direction overrides make a reviewer see another text than the machine does
_HIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_LONGEST_NUMBER = 64


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document's value, and the span of every value and key in it."""

    value: Any
    spans: SpanMap


@dataclass(frozen=True, slots=True)
class SpanMap:
    """Places of values and keys by their path."""

    path: str
    values: Mapping[Path, Span]
    keys: Mapping[Path, Span]

    def span(self, path: Path) -> Span:
        """Place of a value; of the nearest enclosing one when it is not in the document."""
        for length in range(len(path), -1, -1):
            found = self.values.get(path[:length])
            if found is not None:
                return found
        return Span(self.path, 1, 1, 1, 1)

    def key_span(self, path: Path) -> Span:
        """Place of the key that leads to a value; of the value itself in a list."""
        return self.keys.get(path) or self.span(path)


class _RefusedError(Exception):
    def __init__(self, slug: str, message: str, span: Span, hint: str | None = None) -> None:
        self.diagnostic = Diagnostic(slug, message, span=span, hint=hint)


def parse(data: bytes, name: str) -> tuple[Parsed | None, list[Diagnostic]]:
    """Parse a document; `name` is how its file is called in spans. Returns no value when it cannot be used at all."""
    first = Span(name, 1, 1, 1, 1)
    if len(data) > SIZE_LIMIT_BYTES:
        message = f"{name} has {len(data)} bytes, {SIZE_LIMIT_BYTES} allowed"
        return None, [Diagnostic("file-too-large", message, span=first, hint="split it into several documents")]
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        start = data.rfind(b"\n", 0, error.start) + 1
        column = len(data[start : error.start].decode("utf-8", errors="replace")) + 1
        message = f"byte {error.start + 1} is not UTF-8"
        span = Span(name, line, column, line, column + 1)
        return None, [Diagnostic("not-utf8", message, span=span, hint="save the file as UTF-8")]
    hidden = _HIDDEN.search(text)
    if hidden is not None:
        line = text.count("\n", 0, hidden.start()) + 1
        column = hidden.start() - text.rfind("\n", 0, hidden.start())
        message = f"the character U+{ord(hidden[0]):04X} is invisible and not allowed"
        return None, [Diagnostic("hidden-character", message, span=Span(name, line, column, line, column + 1))]
    try:
        return _compose(text, name)
    except _RefusedError as refused:
        return None, [refused.diagnostic]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        span = Span(name, mark.line + 1, mark.column + 1, mark.line + 1, mark.column + 2) if mark else first
        return None, [Diagnostic("yaml-syntax", f"not YAML: {error.problem or error.context}", span=span)]
    except (yaml.YAMLError, RecursionError) as error:
        return None, [Diagnostic("yaml-syntax", f"not YAML: {str(error)[:200]}", span=first)]


def _compose(text: str, name: str) -> tuple[Parsed | None, list[Diagnostic]]:
    _check_events(text, name)
    node = yaml.compose(text, Loader=yaml.CSafeLoader)
    builder = _Builder(name)
    if node is None:
        return None, [Diagnostic("empty-document", f"{name} is empty", span=Span(name, 1, 1, 1, 1))]
    value = builder.build(node, ())
    return Parsed(value, SpanMap(name, builder.values, builder.keys)), builder.diagnostics


def _check_events(text: str, name: str) -> None:
    """Refuse what must not even be composed: aliases first of all, then anchors, tags, depth and second documents."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        mark: Any = event.start_mark
        span = Span(name, mark.line + 1, mark.column + 1, mark.line + 1, mark.column + 2)
        if isinstance(event, yaml.AliasEvent):
            raise _RefusedError("yaml-alias", f"the alias *{event.anchor} is not allowed", span, "write the value out")
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise _RefusedError("yaml-documents", "a second document starts here; one file holds one", span)
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            raise _RefusedError("yaml-alias", f"the anchor &{event.anchor} is not allowed", span, "write the value out")
        tag = getattr(event, "tag", None)
        if tag not in (None, "!"):
            raise _RefusedError("yaml-tag", f"the tag {tag} is not allowed", span, "write the plain value")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEPTH_LIMIT:
                raise _RefusedError("yaml-depth", f"values are nested {depth} deep, {DEPTH_LIMIT} allowed", span)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Builder:
    """Walks composed nodes once, making values and spans; duplicate keys are reported and the first one is kept."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.values: dict[Path, Span] = {}
        self.keys: dict[Path, Span] = {}
        self.diagnostics: list[Diagnostic] = []

    def _span(self, node: Any) -> Span:
        start, end = node.start_mark, node.end_mark
        return Span(self.name, start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    def build(self, node: Any, path: Path) -> Any:
        self.values[path] = self._span(node)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: Any, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            span = self._span(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                raise _RefusedError("yaml-key", "a key is not plain text", span)
            key = key_node.value
            if key == "<<":
                raise _RefusedError("yaml-merge", "merge keys (<<) are not allowed", span, "write the values out")
            if key in result:
                first = self.keys[(*path, key)]
                message = f"{key!r} is written twice; the first is at line {first.line}"
                self.diagnostics.append(Diagnostic("duplicate-key", message, span=span, hint="remove one of the two"))
                continue
            self.keys[(*path, key)] = span
            result[key] = self.build(value_node, (*path, key))
        return result

    def _scalar(self, node: Any) -> Any:
        text = node.value
        if node.style is not None and node.style != "":
            return text
        if text in _NULLS:
            return None
        if text in _BOOLS:
            return _BOOLS[text]
        if _NOT_FINITE.fullmatch(text):
            raise _RefusedError("not-finite", f"{text} is not a number that can be compared", self._span(node))
        if len(text) > _LONGEST_NUMBER:
            return text
        if _INT.fullmatch(text):
            return int(text, 0 if text[:2] in ("0o", "0x") else 10)
        if not _FLOAT.fullmatch(text):
            return text
        number = float(text)
        if math.isinf(number):
            raise _RefusedError("not-finite", f"{text} is too large for a number", self._span(node))
        return number
