"""YAML text to nested dictionaries, from PyYAML's C event parser: the document is never composed.

Refused with their place: aliases and anchors, merge keys, duplicate keys, second documents, depth, tags. The scalars
that Ansible's vaults put into inventories are kept as `Opaque`: who needs one of them refuses it. Invariant: what comes
out is what Ansible's loader makes of the same text, or nothing does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import yaml

from edgewright.kernel.diagnostics import Diagnostic, EdgewrightError, Span
from edgewright.load.conflicts import find_conflict
from edgewright.load.slips import explain

DEPTH_LIMIT = 64
Way = tuple[Any, ...]
"""The keys and positions that lead to a value."""
Places = dict[Way, Span]
_OPAQUE_TAGS = frozenset({"!vault", "!vault-encrypted", "!unsafe"})


@dataclass(frozen=True, slots=True)
class Opaque:
    """A value that is not read: encrypted, or marked as unsafe."""

    tag: str


@dataclass(slots=True)
class Reading:
    """How one text is read: its name, its scalars, and where places are kept (of which ways), if they are wanted."""

    name: str
    plain: Callable[[str], Any]
    places: Places | None = None
    is_wanted: Callable[[Way], bool] = bool


def refusal(slug: str, message: str, span: Span, *, hint: str | None = None) -> EdgewrightError:
    """A diagnostic at a place of an inventory file, to raise."""
    return EdgewrightError(Diagnostic(slug, message, span=span, hint=hint))


def parse(text: str, reading: Reading) -> Any:
    """The value of a text; None for an empty one. Raises with the place of what is refused."""
    loader = yaml.CSafeLoader(text)
    try:
        return _Builder(loader, reading).document()
    except yaml.MarkedYAMLError as error:
        conflict = find_conflict(text.encode(), reading.name)
        raise EdgewrightError(conflict or explain(error, text, reading.name)) from None
    except yaml.YAMLError as error:
        raise refusal("yaml-syntax", f"not YAML: {str(error)[:200]}", Span(reading.name, 1, 1, 1, 1)) from None
    finally:
        loader.dispose()


class _Builder:
    def __init__(self, loader: Any, reading: Reading) -> None:
        self._next = loader.get_event
        self._reading = reading
        self._depth = 0

    def document(self) -> Any:
        self._next()  # the start of the stream
        first = self._next()
        if isinstance(first, yaml.StreamEndEvent):
            return None
        value = self._value(self._next(), ())
        self._next()
        after = self._next()
        if not isinstance(after, yaml.StreamEndEvent):
            raise self._refusal("yaml-documents", "a second document starts here; one file holds one", after)
        return value

    def _span(self, event: Any) -> Span:
        start, end = event.start_mark, event.end_mark
        return Span(self._reading.name, start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    def _refusal(self, slug: str, message: str, event: Any, hint: str | None = None) -> EdgewrightError:
        return refusal(slug, message, self._span(event), hint=hint)

    def _value(self, event: Any, way: Way) -> Any:
        kind = type(event)
        reading = self._reading
        if reading.places is not None and way and reading.is_wanted(way):
            reading.places[way] = self._span(event)
        if kind is yaml.AliasEvent:
            raise self._refusal("yaml-alias", f"the alias *{event.anchor} is not allowed", event, "write the value out")
        if event.anchor is not None:
            message = f"the anchor &{event.anchor} is not allowed"
            raise self._refusal("yaml-alias", message, event, "write the value out")
        if event.tag is not None and event.tag != "!":
            if kind is yaml.ScalarEvent and event.tag in _OPAQUE_TAGS:
                return Opaque(event.tag)
            raise self._refusal("yaml-tag", f"the tag {event.tag} is not allowed", event)
        if kind is yaml.ScalarEvent:
            return event.value if event.style else reading.plain(event.value)
        self._depth += 1
        if self._depth > DEPTH_LIMIT:
            raise self._refusal("yaml-depth", f"values are nested {self._depth} deep, {DEPTH_LIMIT} allowed", event)
        value = self._mapping(way) if kind is yaml.MappingStartEvent else self._sequence(way)
        self._depth -= 1
        return value

    def _sequence(self, way: Way) -> list[Any]:
        result: list[Any] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            result.append(self._value(event, (*way, len(result))))
        return result

    def _mapping(self, way: Way) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        track = self._reading.places is not None
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = self._value(event, ())
            if not isinstance(key, str | int | float | None) or not isinstance(event, yaml.ScalarEvent):
                raise self._refusal("yaml-key", "a key is not plain text", event)
            if key == "<<" and not event.style:
                raise self._refusal("yaml-merge", "merge keys (<<) are not allowed", event, "write the values out")
            if key in result:
                message = f"{str(key)[:80]!r} is written twice"
                raise self._refusal("duplicate-key", message, event, "remove one of the two")
            inner = (*way, key) if track else way
            value = self._next()
            result[key] = self._value(value, inner)
            places = self._reading.places
            if places is not None and inner in places and (type(value) is not yaml.ScalarEvent or not value.value):
                places[inner] = self._span(event)  # of a block, and of nothing, the key is shown
        return result
