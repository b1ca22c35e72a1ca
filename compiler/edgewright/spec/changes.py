"""Changes: what differs between two shapes of a document, as data.

A conversion between API versions is a pure function from a value to changes. One list serves three ends: the value is
converted by `apply`, the places of its parts move with it (`load.conversion`), and a file is rewritten with its
comments kept (`load.rewrite`). Paths are those of the value before any change; no change lies inside another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Way = tuple[str | int, ...]
"""The way to a value: keys and positions from the root."""


@dataclass(frozen=True, slots=True)
class Renamed:
    """A key has another name, at the same place."""

    path: Way
    key: str


@dataclass(frozen=True, slots=True)
class Replaced:
    """The same thing is written otherwise."""

    path: Way
    value: Any


@dataclass(frozen=True, slots=True)
class Dropped:
    """A key that said nothing is gone."""

    path: Way


Change = Renamed | Replaced | Dropped


def apply(value: Any, changes: Sequence[Change]) -> Any:
    """The changed value; what is on no change's way is shared with the old one."""
    by_path = {change.path: change for change in changes}
    on_the_way = {path[:length] for path in by_path for length in range(len(path))}
    return _changed(value, (), by_path, on_the_way)


def _changed(value: Any, path: Way, by_path: dict[Way, Change], on_the_way: set[Way]) -> Any:
    if path not in on_the_way:
        return value
    if isinstance(value, list):
        return [_entry(item, (*path, index), by_path, on_the_way) for index, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    result = {}
    for key, item in value.items():
        change = by_path.get((*path, key))
        if isinstance(change, Dropped):
            continue
        name = change.key if isinstance(change, Renamed) else key
        result[name] = _entry(item, (*path, key), by_path, on_the_way)
    return result


def _entry(item: Any, path: Way, by_path: dict[Way, Change], on_the_way: set[Way]) -> Any:
    change = by_path.get(path)
    return change.value if isinstance(change, Replaced) else _changed(item, path, by_path, on_the_way)


def lookup(value: Any, *path: str | int) -> Any:
    """What lies at a path; None when the path leads nowhere."""
    for part in path:
        is_there = part in value if isinstance(value, dict) else isinstance(value, list) and isinstance(part, int)
        if not is_there or (isinstance(value, list) and isinstance(part, int) and part >= len(value)):
            return None
        value = value[part]
    return value
