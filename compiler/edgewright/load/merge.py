"""Merging: a part of a document into the whole, value and spans together, and what two parts disagree on.

Mappings merge by key. Lists of named things merge by what they are known by: devices and candidates by name, builds by
backend, gates by metric, place, targets and backends. Other lists, and a mapping whose `type` becomes another, are
replaced as a whole; null takes a key away. Pure apart from the `Merge` it fills. Invariant: the result does not depend
on the order in which the parts of one layer come, or there is a conflict.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any

from edgewright.kernel.diagnostics import Diagnostic, Related, Span
from edgewright.load.places import Path
from edgewright.load.wording import path_name
from edgewright.load.yaml12 import Parsed, SpanMap

_MISSING = object()
_Identity = Callable[[dict[str, Any]], Hashable]


def _frozen(value: Any) -> Hashable:
    return tuple(value) if isinstance(value, list) else str(value)


def _name(item: dict[str, Any]) -> Hashable:
    return str(item.get("name"))


def _backend(item: dict[str, Any]) -> Hashable:
    return str(item.get("backend"))


def _gate(item: dict[str, Any]) -> Hashable:
    scope = (_frozen(item.get("targets")), _frozen(item.get("backends")))
    return (str(item.get("metric")), str(item.get("where", "build")), *scope)


_NAMED: dict[tuple[str, Path], tuple[_Identity, frozenset[str]]] = {
    ("Blueprint", ("spec", "builds")): (_backend, frozenset({"backend"})),
    ("Blueprint", ("spec", "gates")): (_gate, frozenset({"metric", "where", "targets", "backends"})),
    ("CompressionPolicy", ("spec", "candidates")): (_name, frozenset({"name"})),
    ("Fleet", ("spec", "devices")): (_name, frozenset({"name"})),
}
"""Lists of things that are known by something, and the keys that this is made of."""


@dataclass(frozen=True, slots=True)
class Part:
    """A mapping of an overlay, at `place` in it, that goes into a document at `path`."""

    overlay: str
    spans: SpanMap
    value: dict[str, Any]
    place: Path
    path: Path


@dataclass(frozen=True, slots=True)
class _Claim:
    overlay: str
    path: Path
    value: Any
    span: Span


@dataclass(slots=True)
class Use:
    """How often a leaf of an overlay was merged, and how often it said what was so already."""

    span: Span
    merged: int = 0
    redundant: int = 0


@dataclass(slots=True)
class Merge:
    """One document that parts are merged into, layer by layer. `uses` is filled for all documents together."""

    kind: str
    value: Any
    values: dict[Path, Span]
    keys: dict[Path, Span]
    uses: dict[tuple[str, Path], Use]
    problems: list[Diagnostic] = field(default_factory=list)
    _claims: dict[tuple[Hashable, ...], list[_Claim]] = field(default_factory=dict)
    _inside: dict[tuple[Hashable, ...], dict[str, _Claim]] = field(default_factory=dict)

    @classmethod
    def of(cls, kind: str, parsed: Parsed, uses: dict[tuple[str, Path], Use]) -> Merge:
        """A copy of a document to merge into."""
        return cls(kind, copy.deepcopy(parsed.value), dict(parsed.spans.values), dict(parsed.spans.keys), uses)

    def next_layer(self) -> None:
        """What comes now goes before what came so far, without a conflict."""
        self._claims.clear()
        self._inside.clear()

    def announce(self, path: Path, part: Part, place: Path) -> None:
        """Let a named thing that `part` adds to the list at `path` be there already, for what is merged before it."""
        target = self.value
        for step in path[:-1]:
            target = _inside(target, step)
        things = target.setdefault(path[-1], []) if isinstance(target, dict) else None
        if not isinstance(things, list):
            return
        things.append({"name": _at(part.value, place[len(part.place) :])["name"]})
        here = (*path, len(things) - 1)
        self._point(part, here, place)
        self._point(part, (*here, "name"), (*place, "name"))

    def add(self, part: Part) -> None:
        """Merge a part. What an earlier layer took away, or made something else of, is passed over."""
        target = self.value
        ident: tuple[Hashable, ...] = ()
        for length, step in enumerate(part.path):
            named = _NAMED.get((self.kind, part.path[:length])) if isinstance(target, list) else None
            target = _inside(target, step)
            is_named = named is not None and isinstance(target, dict)
            # a thing of a list goes by its name in conflicts: parts that come by way of the list know no position
            ident = (*ident, (named[0](target), None) if named is not None and is_named else step)
        if isinstance(target, dict):
            self._mapping(part, target, part.value, part.place, part.path, ident)
        else:
            self._enters(ident, _Claim(part.overlay, part.path, part.value, part.spans.key_span(part.place)))

    def _mapping(
        self,
        part: Part,
        base: dict[str, Any],
        new: dict[str, Any],
        place: Path,
        path: Path,
        ident: tuple[Hashable, ...],
        skipped: frozenset[str] = frozenset(),
    ) -> None:
        if "type" in new and base.get("type", new["type"]) != new["type"]:
            if self._conflicts(ident, _Claim(part.overlay, path, new, part.spans.span(place))):
                return
            base.clear()
            self._forget_inside(path)
        for key, value in new.items():
            if key in skipped:
                continue
            here, there, known = (*path, key), (*place, key), (*ident, key)
            named = _NAMED.get((self.kind, here))
            is_list = isinstance(value, list) and named is not None and isinstance(base.get(key, []), list)
            if is_list or isinstance(value, dict):
                if not self._enters(known, _Claim(part.overlay, here, value, part.spans.span(there))):
                    continue
                is_new = not isinstance(base.get(key), type(value))
                if is_new:
                    self._put(part, base, key, type(value)(), here, there)
                if not value:
                    self._count(part, there, is_redundant=not is_new)
                if named is not None and is_list:
                    self._list(part, base[key], value, there, here, known, named)
                else:
                    self._mapping(part, base[key], value, there, here, known)
            else:
                self._leaf(part, base, key, value, here, there, known)

    def _list(
        self,
        part: Part,
        base: list[Any],
        new: list[Any],
        place: Path,
        path: Path,
        ident: tuple[Hashable, ...],
        named: tuple[_Identity, frozenset[str]],
    ) -> None:
        identity, keys = named
        for position, item in enumerate(new):
            there = (*place, position)
            if not isinstance(item, dict):
                base.append(item)
                self._point(part, (*path, len(base) - 1), there)
                continue
            wanted = identity(item)
            same = [i for i, old in enumerate(base) if isinstance(old, dict) and identity(old) == wanted]
            if len(same) > 1:
                same = [i for i in same if "targets" in item and base[i].get("targets") == item["targets"]]
                if len(same) != 1:
                    self._ambiguous(part, there, item, path)
                    continue
            # a default that only one of them writes out is written in the result, whichever comes first
            skipped = keys - {key for key in item if item[key] is not None and same and key not in base[same[0]]}
            if same and identity is _backend and base[same[0]].get("targets") == item.get("targets"):
                skipped |= {"targets"}  # they only say which build is meant
            if not same:
                base.append({})
                same, skipped = [len(base) - 1], frozenset()
                self._point(part, (*path, same[0]), there)
            known = (*ident, (wanted, same[0] if identity is _backend else None))
            self._mapping(part, base[same[0]], item, there, (*path, same[0]), known, skipped)

    def _leaf(
        self,
        part: Part,
        base: dict[str, Any],
        key: str,
        value: Any,
        here: Path,
        there: Path,
        known: tuple[Hashable, ...],
    ) -> None:
        span = part.spans.span(there)
        is_said = any(claim.overlay != part.overlay for claim in self._claims.get(known, ()))
        if self._conflicts(known, _Claim(part.overlay, here, value, span)) or is_said:
            return  # they disagree, or say the same
        old = base.get(key, _MISSING)
        is_redundant = old is _MISSING if value is None else is_same(old, value)
        self._count(part, there, is_redundant=is_redundant)
        if not is_redundant:
            self._put(part, base, key, value, here, there)

    def _count(self, part: Part, there: Path, *, is_redundant: bool) -> None:
        use = self.uses.setdefault((part.overlay, there), Use(part.spans.span(there)))
        use.merged += 1
        use.redundant += is_redundant

    def _put(self, part: Part, base: dict[str, Any], key: str, value: Any, here: Path, there: Path) -> None:
        if isinstance(base.get(key), dict | list):
            self._forget_inside(here)
        if value is None:
            # the place stays, for what is then lacking
            base.pop(key, None)
        else:
            base[key] = copy.deepcopy(value)
        self._point(part, here, there, is_whole=bool(value))

    def _point(self, part: Part, here: Path, there: Path, *, is_whole: bool = False) -> None:
        """Give what lies at `here` the places that it has in the overlay."""
        self.values[here] = part.spans.span(there)
        if there in part.spans.keys:
            self.keys[here] = part.spans.keys[there]
        if not is_whole or not isinstance(_at(part.value, there[len(part.place) :]), list | dict):
            return
        for old, new in ((part.spans.values, self.values), (part.spans.keys, self.keys)):
            for path in [p for p in old if len(p) > len(there) and p[: len(there)] == there]:
                new[here + path[len(there) :]] = old[path]

    def _forget_inside(self, path: Path) -> None:
        for places in (self.values, self.keys):
            for inner in [p for p in places if len(p) > len(path) and p[: len(path)] == path]:
                del places[inner]

    def _enters(self, known: tuple[Hashable, ...], claim: _Claim) -> bool:
        """Whether no other overlay of this layer replaces what is merged into here, or takes it away."""
        rivals = [rival for length in range(1, len(known) + 1) for rival in self._claims.get(known[:length], ())]
        if self._has_rival(claim, rivals):
            return False
        for length in range(1, len(known) + 1):
            self._inside.setdefault(known[:length], {}).setdefault(claim.overlay, claim)
        return True

    def _conflicts(self, known: tuple[Hashable, ...], claim: _Claim) -> bool:
        """Whether another overlay of this layer says something else; claim the leaf when none does."""
        rivals = [rival for length in range(1, len(known)) for rival in self._claims.get(known[:length], ())]
        rivals += [rival for rival in self._claims.get(known, ()) if not is_same(rival.value, claim.value)]
        rivals += self._inside.get(known, {}).values()
        if self._has_rival(claim, rivals):
            return True
        self._claims.setdefault(known, []).append(claim)
        for length in range(1, len(known)):
            self._inside.setdefault(known[:length], {}).setdefault(claim.overlay, claim)
        return False

    def _has_rival(self, claim: _Claim, rivals: Iterable[_Claim]) -> bool:
        """Whether one of the claims is another overlay's; says so."""
        rival = next((rival for rival in rivals if rival.overlay != claim.overlay), None)
        if rival is not None:
            self.problems.append(_conflict(claim, rival))
        return rival is not None

    def _ambiguous(self, part: Part, there: Path, item: dict[str, Any], path: Path) -> None:
        backend = item.get("backend")
        message = f"several builds have the backend {backend!r}, and the overlay does not say which is meant"
        hint = "write its targets as the blueprint has them"
        related = (Related(self.values[path], "the builds"),)
        span = part.spans.span((*there, "backend"))
        self.problems.append(Diagnostic("overlay-ambiguous", message, span=span, hint=hint, related=related))


def is_same(one: Any, other: Any) -> bool:
    """Whether two values are written alike: true is not 1."""
    return type(one) is type(other) and bool(one == other)


def _conflict(claim: _Claim, rival: _Claim) -> Diagnostic:
    name = path_name(max(claim.path, rival.path, key=len))
    message = f"{name} is {_shown(claim.value)} here and {_shown(rival.value)} in another overlay; one may say it"
    hint = "leave it to one of them: no overlay goes before another of the same environment"
    related = (Related(rival.span, "the other one"),)
    return Diagnostic("overlay-conflict", message, span=claim.span, hint=hint, related=related)


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else f"a list of {len(value)}"
    return "null" if value is None else str(value)[:60] if not isinstance(value, bool) else str(value).lower()


def _inside(value: Any, step: Any) -> Any:
    if isinstance(value, list):
        return value[step] if isinstance(step, int) and step < len(value) else None
    return value.get(step) if isinstance(value, dict) else None


def _at(value: Any, path: Path) -> Any:
    for part in path:
        value = value[part]
    return value
