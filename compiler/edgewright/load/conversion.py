"""Conversion of parsed documents: the value takes the newest version's shape, and every place stays the author's.

Pure. What changes is decided by `spec`; here it is applied to a value and to its spans. What is written otherwise in
the new shape has the span of what it came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from edgewright.kernel.diagnostics import Span
from edgewright.load.places import Path
from edgewright.load.yaml12 import Parsed, SpanMap
from edgewright.spec.changes import Change, Dropped, Renamed, Replaced, apply
from edgewright.spec.versions import NEWEST, newer, towards_newest


def to_newest(parsed: Parsed, kind: str, version: str) -> Parsed:
    """A document that its own version accepts, in the newest version's shape."""
    while version != NEWEST:
        parsed = changed(parsed, towards_newest(version)(kind, parsed.value))
        version = newer(version)
    return parsed


def changed(parsed: Parsed, changes: Sequence[Change]) -> Parsed:
    """A parsed document after some changes."""
    spans = parsed.spans
    values, keys = _moved(spans.values, changes), _moved(spans.keys, changes)
    for change in changes:
        if isinstance(change, Replaced):
            for path in _inner(change.value, change.path):
                values[path] = keys[path] = spans.values[change.path]
    return Parsed(apply(parsed.value, changes), SpanMap(spans.path, values, keys))


def _moved(places: Mapping[Path, Span], changes: Iterable[Change]) -> dict[Path, Span]:
    """Places at their new paths. A change is looked up by the beginnings of a path that are as long as some change."""
    by_path = {change.path: change for change in changes}
    lengths = sorted({len(path) for path in by_path})
    moved = {}
    for path, span in places.items():
        new: Path | None = path
        for length in lengths:
            change = by_path.get(path[:length]) if length <= len(path) else None
            if isinstance(change, Dropped) or (isinstance(change, Replaced) and length < len(path)):
                new = None
            elif isinstance(change, Renamed):
                new = (*path[: length - 1], change.key, *path[length:])
        if new is not None:
            moved[new] = span
    return moved


def _inner(value: object, path: Path) -> Iterable[Path]:
    """Paths below a value."""
    entries: Iterable[tuple[str | int, object]] = ()
    if isinstance(value, dict):
        entries = value.items()
    elif isinstance(value, list):
        entries = enumerate(value)
    for part, item in entries:
        yield (*path, part)
        yield from _inner(item, (*path, part))
