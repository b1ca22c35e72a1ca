"""Sites: what overlays say of the devices at a site, for devices that no document names: the hosts of an inventory.

Owns how that goes into the values of a host: as `merge` does it for the devices of a document, a later part before an
earlier one. Reads no file. Invariants: a fleet without such overlays costs nothing; what is merged into is a copy, for
hosts share the values of their groups.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from edgewright.kernel.diagnostics import Diagnostic, Span
from edgewright.load.merge import Merge, Part, is_same
from edgewright.load.places import Path
from edgewright.load.yaml12 import Parsed, SpanMap
from edgewright.spec.v1beta1.overlay import SiteConnection, SiteDevices

_DEVICES: Path = ("spec", "devices")
_MISSING = object()
Leaf = tuple[str, Path]
"""A value of an overlay: its file, and the way to it below `spec.devices`."""


@dataclass(frozen=True, slots=True, eq=False)
class SitePart:
    """What one overlay says of the devices at a site. What an environment says is in a later layer.

    `is_used` and `settled` are known from the devices of documents: whether one is at the site, and which values
    change something there.
    """

    site: str
    layer: int
    overlay: str
    spans: SpanMap
    value: Mapping[str, Any]
    is_used: bool = False
    settled: frozenset[Path] = frozenset()

    @property
    def place(self) -> Span:
        """Where the overlay speaks of devices."""
        return self.spans.key_span(_DEVICES)

    def span(self, path: Path) -> Span:
        """Where a value is written."""
        return self.spans.span((*_DEVICES, *path))

    def leaves(self) -> Iterator[Path]:
        """The ways to all values without parts."""
        return _leaves(self.value, ())


Sites = tuple[SitePart, ...]
"""In the order in which they are merged."""


def _leaves(value: Mapping[str, Any], path: Path) -> Iterator[Path]:
    for key, inner in value.items():
        if isinstance(inner, dict) and inner:
            yield from _leaves(inner, (*path, key))
        else:
            yield (*path, key)


def disagreements(sites: Sites) -> list[Diagnostic]:
    """What overlays of one layer say differently of the same site."""
    found: list[Diagnostic] = []
    for site in dict.fromkeys(part.site for part in sites):
        mine = [part for part in sites if part.site == site]
        merge = Merge.of("Device", Parsed({}, SpanMap("", {}, {})), {})
        for _, layer in groupby(mine, key=lambda part: part.layer):
            merge.next_layer()
            for part in layer:
                merge.add(Part(part.overlay, part.spans, dict(part.value), _DEVICES, ()))
        found += merge.problems
    return found


def place_of_value(sites: Sites, site: str, path: Path) -> Span | None:
    """Where the overlays of a site say a value of its devices; None when none of them does."""
    for part in reversed(sites):
        if part.site != site:
            continue
        value: Any = part.value
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if value is not None and not isinstance(value, dict):
            return part.span(path)
    return None


@dataclass(slots=True)
class HostMerge:
    """Overlays made ready for many hosts. `telling` are the values that changed at least one of them."""

    telling: set[Leaf] = field(default_factory=set)
    _parts: dict[str, list[tuple[str, dict[str, Any]]]] = field(default_factory=dict)

    @classmethod
    def of(cls, sites: Sites) -> HostMerge:
        """Parts by site, in the words of fields."""
        made = cls()
        for part in sites:
            made._parts.setdefault(part.site, []).append((part.overlay, dict(part.value)))
        return made

    def into(self, device: dict[str, Any]) -> None:
        """Merge what is said of a host's site into its values. How it is addressed is its own whatever is said."""
        site = device.get("site", "default")
        parts = self._parts.get(site) if isinstance(site, str) else None
        if parts is None:
            return
        connection = device.get("connection")
        address = connection.get("host", device["name"]) if isinstance(connection, dict) else device["name"]
        for overlay, value in parts:
            self._merge(overlay, device, value, (), _FIELDS)
            reached = device.setdefault("connection", {})
            if reached.setdefault("type", "ssh") == "ssh":
                reached.setdefault("host", address)

    def _merge(
        self, overlay: str, base: dict[str, Any], new: Mapping[str, Any], path: Path, fields: Mapping[str, str]
    ) -> None:
        if "type" in new and base.get("type", new["type"]) != new["type"]:
            base.clear()
        for key, value in new.items():
            here, name = (*path, key), fields.get(key, key)
            if isinstance(value, dict):
                old = base.get(name)
                inner = base[name] = dict(old) if isinstance(old, dict) else {}
                if not value and not isinstance(old, dict):
                    self.telling.add((overlay, here))
                self._merge(overlay, inner, value, here, _CONNECTION if here == ("connection",) else {})
                continue
            old = base.get(name, _MISSING)
            if (old is _MISSING) if value is None else is_same(old, value):
                continue
            self.telling.add((overlay, here))
            if value is None:
                del base[name]
            else:
                base[name] = value


def _fields_of(model: type[SiteDevices | SiteConnection]) -> Mapping[str, str]:
    return {field.alias or name: name for name, field in model.model_fields.items()}


_FIELDS = _fields_of(SiteDevices)
_CONNECTION = _fields_of(SiteConnection)


def silent(part: SitePart, telling: Sequence[frozenset[Leaf]]) -> Iterator[Path]:
    """The values of a part that change nothing anywhere: neither a device of a document nor a host."""
    for leaf in part.leaves():
        if leaf not in part.settled and not any((part.overlay, leaf) in told for told in telling):
            yield leaf
