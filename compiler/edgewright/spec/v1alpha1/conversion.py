"""Conversion between v1alpha1 and v1beta1, both ways, for documents that their own version accepts.

Pure. What differs, and why, is in docs/adr/0008-api-versions.md:

| v1alpha1 | v1beta1 |
|---|---|
| `canary: 1 per target` | `canary: {perTarget: 1}` |
| `evaluation.reference: float32` | gone: it was the only value |
| `power: 15`, `memoryBandwidth: 28` | `power: 15W`, `memoryBandwidth: 28GB/s` |
| `port` of a device | `servicePort` |
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from edgewright.kernel.units import parse_bandwidth, parse_power
from edgewright.spec.changes import Change, Dropped, Renamed, Replaced, Way, lookup

OLDER, NEWER = "edgewright/v1alpha1", "edgewright/v1beta1"
_WAVES = ("spec", "rollout", "waves")
_REFERENCE = ("spec", "evaluation", "reference")
_POWER = ("spec", "power")
_BANDWIDTH = ("spec", "memoryBandwidth")
_Conversion = Callable[[Any], Iterator[Change]]


def to_newer(kind: str, value: Any) -> list[Change]:
    """What turns a v1alpha1 document into a v1beta1 document."""
    conversion = _UP.get(kind)
    return [Replaced(("apiVersion",), NEWER), *(conversion(value) if conversion else ())]


def to_older(kind: str, value: Any) -> list[Change]:
    """What turns a v1beta1 document into a v1alpha1 document, as far as it has the words."""
    conversion = _DOWN.get(kind)
    return [Replaced(("apiVersion",), OLDER), *(conversion(value) if conversion else ())]


def _blueprint_up(value: Any) -> Iterator[Change]:
    for index, wave in enumerate(lookup(value, *_WAVES) or ()):
        if isinstance(wave, dict):
            yield Replaced((*_WAVES, index, "canary"), {"perTarget": int(wave["canary"].split(" ", 1)[0])})
    if lookup(value, *_REFERENCE) is not None:
        yield Dropped(_REFERENCE)


def _blueprint_down(value: Any) -> Iterator[Change]:
    for index, wave in enumerate(lookup(value, *_WAVES) or ()):
        if isinstance(wave, dict):
            yield Replaced((*_WAVES, index, "canary"), f"{wave['canary']['perTarget']} per target")


def _target_up(value: Any) -> Iterator[Change]:
    yield Replaced(_BANDWIDTH, f"{_decimal(lookup(value, *_BANDWIDTH))}GB/s")
    yield Replaced(_POWER, f"{_decimal(lookup(value, *_POWER))}W")


def _target_down(value: Any) -> Iterator[Change]:
    yield Replaced(_BANDWIDTH, _number(parse_bandwidth(lookup(value, *_BANDWIDTH))))
    yield Replaced(_POWER, _number(parse_power(lookup(value, *_POWER))))


def _port(value: Any, old: str, new: str) -> Iterator[Change]:
    for index, device in enumerate(lookup(value, "spec", "devices") or ()):
        if old in device:
            path: Way = ("spec", "devices", index, old)
            yield Renamed(path, new)


def _fleet_up(value: Any) -> Iterator[Change]:
    return _port(value, "port", "servicePort")


def _fleet_down(value: Any) -> Iterator[Change]:
    return _port(value, "servicePort", "port")


def _decimal(number: float) -> str:
    """A number without an exponent; no digit is lost."""
    return format(Decimal(repr(number)), "f")


def _number(number: float) -> float | int:
    return int(number) if number == int(number) else number


_UP: dict[str, _Conversion] = {"Blueprint": _blueprint_up, "Target": _target_up, "Fleet": _fleet_up}
_DOWN: dict[str, _Conversion] = {"Blueprint": _blueprint_down, "Target": _target_down, "Fleet": _fleet_down}
