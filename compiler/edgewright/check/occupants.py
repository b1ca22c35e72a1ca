"""What is to run on a machine, and who wants what another has there: over all fleets, blueprints and devices.

Must not know a rule, nor what is wanted: a port, a folder. Invariants: every blueprint is looked at; what two of them
want on a whole fleet is told of once, because it is the same on each device that says nothing of its own; and machines
with the same fleets on them cost as much as one.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Generic, TypeVar

from edgewright.check.whole import Machine, Placed, Whole
from edgewright.load.documents import Loaded
from edgewright.spec.v1beta1.blueprint import Blueprint
from edgewright.spec.v1beta1.fleet import Device

T = TypeVar("T", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Clash(Generic[T]):
    """A blueprint on a device that wants what `other` has; `is_usual` when the whole fleet has the clash."""

    placed: Placed
    blueprint: str
    what: T
    other: str
    is_usual: bool = False

    @property
    def words(self) -> str:
        """Which service that is."""
        return _words(self.blueprint, self.placed)


@dataclass(frozen=True, slots=True)
class _Wanted(Generic[T]):
    """Who is the first to want something, and who comes later: what it wants, its name, the name of the first."""

    first: dict[T, str]
    later: list[tuple[T, str, str]]


def clashes(
    whole: Whole,
    own: Callable[[Device], T | None],
    usual: Callable[[Blueprint], T],
    taken: Callable[[Machine], Mapping[T, str]],
) -> Iterator[Clash[T]]:
    """Everything that is wanted twice of a machine.

    A blueprint wants what its device says (`own`), else what it says itself (`usual`); `taken` is gone before.
    """
    blueprints = whole.blueprints_of_fleet
    usually = {fleet: _wanted((usual(item.document), item) for item in items) for fleet, items in blueprints.items()}
    told: set[str] = set()
    peaceful: set[Hashable] = set()
    for machine, placed in whole.machines.items():
        seen = dict(taken(machine))
        makeup = (*seen, *[(here.fleet_name, own(here.device)) for here in placed])
        if makeup in peaceful:
            continue
        peaceful.add(makeup)
        for here in placed:
            fleet, mine = here.fleet_name, own(here.device)
            if mine is not None:
                wanted = _wanted((mine, item) for item in blueprints.get(fleet, ()))
            else:
                wanted = usually.get(fleet, _Wanted({}, []))
            if mine is None and fleet not in told:
                told.add(fleet)
                yield from _within(wanted, here, is_usual=True)
            between = _between(wanted, here, seen)
            for clash in between if mine is None else chain(_within(wanted, here), between):
                peaceful.discard(makeup)
                yield clash


def _within(wanted: _Wanted[T], here: Placed, *, is_usual: bool = False) -> Iterator[Clash[T]]:
    for what, name, first in wanted.later:
        yield Clash(here, name, what, _words(first, here), is_usual)


def _between(wanted: _Wanted[T], here: Placed, seen: dict[T, str]) -> Iterator[Clash[T]]:
    for what, name in wanted.first.items():
        words = _words(name, here)
        other = seen.setdefault(what, words)
        if other != words:
            yield Clash(here, name, what, other)


def _wanted(services: Iterable[tuple[T, Loaded[Blueprint]]]) -> _Wanted[T]:
    wanted: _Wanted[T] = _Wanted({}, [])
    for what, loaded in services:
        name = loaded.document.metadata.name
        first = wanted.first.setdefault(what, name)
        if first != name:
            wanted.later.append((what, name, first))
    return wanted


def _words(blueprint: str, placed: Placed) -> str:
    return f"{blueprint} on {placed.device.name}"
