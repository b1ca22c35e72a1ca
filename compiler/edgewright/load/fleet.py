"""Fleets: the devices of a fleet document, written there or taken from a static Ansible inventory.

Owns what a fleet's devices are, and that each inventory is read once. Must not connect to a device, nor run anything.
Who has no inventory does not wait for its reader to be imported. Invariant: everything that comes out passed the same
checks as a device written by hand.
"""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from edgewright.kernel.diagnostics import Diagnostic, EdgewrightError, Span
from edgewright.kernel.digest import Digest
from edgewright.load.sites import Leaf, Sites
from edgewright.spec.v1beta1.fleet import Device, Fleet


@dataclass(frozen=True, slots=True)
class FleetDevices:
    """The devices of a fleet, sorted by name, and what is wrong with the hosts that are not among them.

    `telling` are the values of the overlays of sites that changed a host.
    """

    devices: tuple[Device, ...]
    problems: tuple[Diagnostic, ...] = ()
    telling: frozenset[Leaf] = field(default=frozenset(), compare=False, repr=False)


class FleetReader:
    """The devices of the fleets of one repository, in all of its environments; each is read once, however many ask."""

    def __init__(self) -> None:
        self._known: dict[tuple[Path, str, Digest | None], FleetDevices] = {}

    def read(self, fleet: Fleet, repository: Path, sites: Sites = (), digest: Digest | None = None) -> FleetDevices:
        """What `read_devices` says. `digest` is of the fleet and of all that is merged into it."""
        key = repository, fleet.metadata.name, digest
        if key not in self._known:
            self._known[key] = read_devices(fleet, repository, sites)
        return self._known[key]


def resolve_devices(fleet: Fleet, repository: Path, sites: Sites = ()) -> tuple[Device, ...]:
    """The devices of a fleet, sorted by name. Raises with every host whose variables are wrong."""
    found = read_devices(fleet, repository, sites)
    if found.problems:
        raise EdgewrightError(*found.problems)
    return found.devices


def read_devices(fleet: Fleet, repository: Path, sites: Sites = ()) -> FleetDevices:
    """The devices of a fleet that are right, and what is wrong with the others. Does not raise.

    `sites` is what overlays say of the hosts of its inventory; into a document it was merged before.
    """
    reference = fleet.spec.inventory
    if reference is None:
        return FleetDevices(tuple(sorted(fleet.spec.devices or (), key=lambda device: device.name)))
    from edgewright.load.inventory.devices import inventory_devices  # noqa: PLC0415

    with _collection_paused():
        return FleetDevices(*inventory_devices(reference, repository, sites))


def target_places(fleet: Fleet, repository: Path, names: Collection[str]) -> Mapping[str, Span]:
    """Where the targets of some hosts of an inventory are written. Reads the inventory again: only for reports."""
    reference = fleet.spec.inventory
    if reference is None:
        return {}
    from edgewright.load.inventory.devices import variable_places  # noqa: PLC0415

    with _collection_paused():
        return variable_places(reference, repository, names, "edgewright_target")


def device_places(fleet: Fleet, repository: Path, names: Collection[str]) -> Mapping[str, Span]:
    """Where some hosts of an inventory are written. Reads the inventory again: only for reports."""
    reference = fleet.spec.inventory
    if reference is None:
        return {}
    from edgewright.load.inventory.devices import host_places  # noqa: PLC0415

    with _collection_paused():
        return host_places(reference, repository, names)


@contextmanager
def _collection_paused() -> Iterator[None]:
    """Without the cycle collector, which would walk hundreds of thousands of new objects again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
