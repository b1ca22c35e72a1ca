"""The roster: every device of a roll-out with its state, as a value of which a changed copy is cheap.

Owns the statuses of devices. Must not know what moves a device from one to another. Invariants: a roster never changes;
its order is that of the waves; what `named`, `failures` and `since` cost does not grow with devices that they are not
about, because devices stand in small shards, of which a changed copy shares all but a few.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

_SHARD = 64
"""Devices: a change copies these and the list of shards, which balances for thousands."""


class Status(StrEnum):
    """Where a device is in a roll-out."""

    PENDING = "pending"
    DEPLOYING = "deploying"
    UNCHECKED = "unchecked"
    HEALTHY = "healthy"
    CONFIRMING = "confirming"
    CONFIRMED = "confirmed"
    SOAKED = "soaked"
    FAILED = "failed"
    ABSENT = "absent"
    SKIPPED = "skipped"
    QUARANTINED = "quarantined"
    LEAVE = "leave"
    LEAVING = "leaving"
    ROLLED_BACK = "rolled-back"


@dataclass(frozen=True, slots=True)
class DeviceState:
    """One device. `is_failure` devices count against the budget; `is_away` ones did not answer the last time."""

    status: Status
    is_failure: bool = False
    is_quarantined: bool = False
    is_away: bool = False
    slug: str | None = None
    message: str | None = None
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class _Shard:
    devices: Mapping[str, DeviceState]
    statuses: frozenset[Status]
    failures: int

    @classmethod
    def of(cls, devices: Mapping[str, DeviceState]) -> _Shard:
        states = devices.values()
        return cls(devices, frozenset([d.status for d in states]), sum([d.is_failure for d in states]))


class Roster(Mapping[str, DeviceState]):
    """Devices by name, in the order of the waves."""

    __slots__ = ("_shard_of", "_shards")

    def __init__(self, shards: tuple[_Shard, ...], shard_of: Mapping[str, int]) -> None:
        self._shards = shards
        self._shard_of = shard_of

    @classmethod
    def of(cls, devices: Mapping[str, DeviceState]) -> Roster:
        """The roster of some devices."""
        pairs = list(devices.items())
        shards = tuple(_Shard.of(dict(pairs[start : start + _SHARD])) for start in range(0, len(pairs), _SHARD))
        return cls(shards, {name: index // _SHARD for index, name in enumerate(devices)})

    def __getitem__(self, name: str) -> DeviceState:
        """The state of a device."""
        return self._shards[self._shard_of[name]].devices[name]

    def __iter__(self) -> Iterator[str]:
        """Every device."""
        return iter(self._shard_of)

    def __len__(self) -> int:
        """How many devices there are."""
        return len(self._shard_of)

    @property
    def failures(self) -> int:
        """How many devices count against the budget."""
        return sum(shard.failures for shard in self._shards)

    def named(self, *statuses: Status) -> Iterator[str]:
        """Devices in some statuses."""
        for shard in self._shards:
            if not shard.statuses.isdisjoint(statuses):
                yield from (name for name, device in shard.devices.items() if device.status in statuses)

    def changed(self, states: Mapping[str, DeviceState]) -> Roster:
        """The roster in which some devices are in another state."""
        parts: dict[int, dict[str, DeviceState]] = defaultdict(dict)
        for name, state in states.items():
            parts[self._shard_of[name]][name] = state
        shards = list(self._shards)
        for index, part in parts.items():
            shards[index] = _Shard.of({**shards[index].devices, **part})
        return Roster(tuple(shards), self._shard_of)

    def since(self, before: Roster) -> Iterator[str]:
        """Devices whose status is another than in a roster that this one was made from."""
        for old, new in zip(before._shards, self._shards, strict=True):
            if old is not new:
                yield from (name for name, d in new.devices.items() if d.status != old.devices[name].status)
