"""Strict YAML: bytes to values and spans, over PyYAML's C parser with the scalars of YAML 1.2's core schema.

Refused with their place: duplicate keys, merge keys, aliases and anchors, tags, several documents, keys that are not
text, NaN and infinities, control characters, depth over 32, over 50,000 keys and values. `no`, `on`, `012` and `12:30`
are text or plain numbers, as YAML 1.2 says. Knows nothing of documents.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import yaml

from edgewright.kernel.diagnostics import Diagnostic, Span
from edgewright.load.places import Path, Places, span_between

SIZE_LIMIT_BYTES = 1 << 20
DEPTH_LIMIT = 32
COUNT_LIMIT = 50_000
"""Keys and values of one document: a mebibyte can hold twenty times as many, and reading those takes seconds."""

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
        from edgewright.load.slips import explain  # noqa: PLC0415 - most documents are YAML

        return None, [explain(error, text, name)]
    except (yaml.YAMLError, RecursionError) as error:
        return None, [Diagnostic("yaml-syntax", f"not YAML: {str(error)[:200]}", span=first)]


def _compose(text: str, name: str) -> tuple[Parsed | None, list[Diagnostic]]:
    loader = yaml.CSafeLoader(text)
    try:
        builder = _Builder(name, loader.get_event)
        is_empty, value = builder.document()
    finally:
        loader.dispose()
    if is_empty:
        return None, [Diagnostic("empty-document", f"{name} is empty", span=Span(name, 1, 1, 1, 1))]
    return Parsed(value, SpanMap(name, Places(name, builder.values), Places(name, builder.keys))), builder.diagnostics


class _Builder:
    """Makes values and spans from the events of one pass; duplicate keys are reported and the first one is kept.

    What may not stand in any document (aliases, tags, depth, second documents, text that is no YAML) is raised where it
    is met; what is wrong with a key or a number, once the rest is known to be free of that.
    """

    def __init__(self, name: str, next_event: Callable[[], Any]) -> None:
        self.name = name
        self.values: dict[Path, tuple[Any, Any]] = {}
        self.keys: dict[Path, tuple[Any, Any]] = {}
        self.diagnostics: list[Diagnostic] = []
        self._next = next_event
        self._depth = 0
        self._count = 0
        self._refused: _RefusedError | None = None

    def document(self) -> tuple[bool, Any]:
        """Whether there is none, and the value of the one document."""
        self._next()  # the start of the stream
        if type(self._next()) is yaml.StreamEndEvent:
            return True, None
        value = self._build(self._event(), ())
        self._next()  # the end of the document
        after = self._next()
        if type(after) is not yaml.StreamEndEvent:
            self._refuse_event("yaml-documents", "a second document starts here; one file holds one", after)
        if self._refused is not None:
            raise self._refused
        return False, value

    def _event(self) -> Any:
        """The next event, which is neither an alias nor has an anchor or a tag."""
        event = self._next()
        kind = type(event)
        if kind is yaml.AliasEvent:
            self._refuse_event("yaml-alias", f"the alias *{event.anchor} is not allowed", event, "write the value out")
        if kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            return event
        self._count += 1
        if self._count > COUNT_LIMIT:
            message = f"{self.name} has more keys and values than the {COUNT_LIMIT:,} allowed"
            self._refuse_event("file-too-large", message, event, "split it into several documents")
        if event.anchor is not None:
            self._refuse_event("yaml-alias", f"the anchor &{event.anchor} is not allowed", event, "write the value out")
        if event.tag is not None and event.tag != "!":
            self._refuse_event("yaml-tag", f"the tag {event.tag} is not allowed", event, "write the plain value")
        return event

    def _refuse_event(self, slug: str, message: str, event: Any, hint: str | None = None) -> NoReturn:
        mark = event.start_mark
        span = Span(self.name, mark.line + 1, mark.column + 1, mark.line + 1, mark.column + 2)
        raise _RefusedError(slug, message, span, hint)

    def _refuse_later(self, slug: str, message: str, first: Any, hint: str | None = None, last: Any = None) -> None:
        span = span_between(self.name, first.start_mark, (last or first).end_mark)
        self._refused = self._refused or _RefusedError(slug, message, span, hint)

    def _build(self, event: Any, path: Path) -> Any:
        if type(event) is yaml.ScalarEvent:
            self.values[path] = event.start_mark, event.end_mark
            return self._scalar(event)
        self.values[path] = event.start_mark, event.end_mark  # before its parts; known after them
        self._depth += 1
        if self._depth > DEPTH_LIMIT:
            message = f"values are nested {self._depth} deep, {DEPTH_LIMIT} allowed"
            self._refuse_event("yaml-depth", message, event)
        value: Any
        if type(event) is yaml.MappingStartEvent:
            value, last = self._mapping(path)
        else:
            value = []
            while type(last := self._event()) is not yaml.SequenceEndEvent:
                value.append(self._build(last, (*path, len(value))))
        self._depth -= 1
        self.values[path] = event.start_mark, last.end_mark
        return value

    def _mapping(self, path: Path) -> tuple[dict[str, Any], Any]:
        result: dict[str, Any] = {}
        while type(event := self._event()) is not yaml.MappingEndEvent:
            if type(event) is not yaml.ScalarEvent:
                self._refuse_later("yaml-key", "a key is not plain text", event, last=self._skip(event))
                self._skip(self._event())
                continue
            key = event.value
            self._look_through(event)
            if key == "<<":
                self._refuse_later("yaml-merge", "merge keys (<<) are not allowed", event, "write the values out")
            if key in result:
                first, _ = self.keys[(*path, key)]
                message = f"{key!r} is written twice; the first is at line {first.line + 1}"
                span = span_between(self.name, event.start_mark, event.end_mark)
                self.diagnostics.append(Diagnostic("duplicate-key", message, span=span, hint="remove one of the two"))
                self._skip(self._event())
                continue
            way = (*path, key)
            self.keys[way] = event.start_mark, event.end_mark
            result[key] = None
            result[key] = self._build(self._event(), way)
        return result, event

    def _skip(self, event: Any) -> Any:
        """Read over a value that is not kept; its last event."""
        depth = 0
        while True:
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if self._depth + depth > DEPTH_LIMIT:
                    message = f"values are nested {self._depth + depth} deep, {DEPTH_LIMIT} allowed"
                    self._refuse_event("yaml-depth", message, event)
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth == 0:
                return event
            event = self._event()

    def _look_through(self, event: Any) -> None:
        """Refuse what stands for a hidden character: the file was looked through, the escapes of quotes were not."""
        hidden = _HIDDEN.search(event.value) if event.style == '"' else None
        if hidden is not None:
            message = f"the escape of U+{ord(hidden[0]):04X} stands for a character that is invisible and not allowed"
            self._refuse_later("hidden-character", message, event, "write the text without it")

    def _scalar(self, event: Any) -> Any:
        text = event.value
        if event.style:
            self._look_through(event)
            return text
        if text in _NULLS:
            return None
        if text in _BOOLS:
            return _BOOLS[text]
        if _NOT_FINITE.fullmatch(text):
            self._refuse_later("not-finite", f"{text} is not a number that can be compared", event)
            return text
        if len(text) > _LONGEST_NUMBER:
            return text
        if _INT.fullmatch(text):
            return int(text, 0 if text[:2] in ("0o", "0x") else 10)
        if not _FLOAT.fullmatch(text):
            return text
        number = float(text)
        if math.isinf(number):
            self._refuse_later("not-finite", f"{text} is too large for a number", event)
        return number
