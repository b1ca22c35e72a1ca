"""The repository as a whole: what rules ask of more than one document, worked out once for all blueprints.

Owns the indexes: who goes to which fleet, which devices are on which machine, what is in a dataset. Must not know a
rule. Invariant: building every index takes time in proportion to the documents, so that checking a thousand blueprints
costs a thousand times one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from edgewright.check.datasets import DatasetReport, read_dataset
from edgewright.check.hosts import FleetHosts, index_hosts
from edgewright.kernel.diagnostics import Span
from edgewright.load.documents import Loaded, Repository
from edgewright.load.fleet import device_places
from edgewright.load.places import Path
from edgewright.load.sites import place_of_value
from edgewright.load.tree import SHIPPED
from edgewright.spec.v1beta1.blueprint import Blueprint
from edgewright.spec.v1beta1.compression import CompressionPolicy
from edgewright.spec.v1beta1.fleet import Device, Fleet
from edgewright.spec.v1beta1.target import Target

Machine = tuple[str, int]
"""What is reached: a host and its SSH port; the controller itself has the name of no host and port 0."""
MOST_REPORTED = 20
"""Of one kind, in one fleet; what is beyond is counted."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A device and where it is written: its position in the fleet document, or none for a host of an inventory."""

    fleet: Loaded[Fleet]
    position: int | None
    device: Device

    @property
    def path(self) -> Path:
        """The way to the device in its document; for a host, to the inventory that has it."""
        return self.section if self.position is None else ("spec", "devices", self.position)

    @property
    def section(self) -> Path:
        """The way to all devices of the fleet."""
        return ("spec", "inventory", "path") if self.position is None else ("spec", "devices")

    @property
    def fleet_name(self) -> str:
        """Name of the fleet."""
        return self.fleet.document.metadata.name

    @property
    def machine(self) -> Machine:
        """The machine it is on."""
        connection = self.device.connection
        return (connection.host.lower(), connection.port) if connection.host is not None else ("", 0)

    @property
    def machine_name(self) -> str:
        """The machine, for people."""
        host, port = self.machine
        return "the controller itself" if not host else host if port == 22 else f"{host}:{port}"


@dataclass(frozen=True, slots=True)
class Counts:
    """How many devices of each target a fleet has; `is_real` if at least one is not the controller itself."""

    by_target: Mapping[str, int]
    is_real: bool

    @property
    def total(self) -> int:
        """All devices."""
        return sum(self.by_target.values())


@dataclass(frozen=True)
class Whole:
    """What rules over several documents look at."""

    repository: Repository

    @property
    def own_targets(self) -> Iterator[tuple[str, Loaded[Target]]]:
        """Targets of the repository itself."""
        return _own(self.repository.targets)

    @property
    def own_policies(self) -> Iterator[tuple[str, Loaded[CompressionPolicy]]]:
        """Compression policies of the repository itself."""
        return _own(self.repository.compression_policies)

    @property
    def own_documents(self) -> Iterator[Loaded[Any]]:
        """Every document that is right and does not ship with edgewright."""
        repository = self.repository
        for documents in (repository.blueprints, repository.fleets, repository.policies, repository.locks):
            yield from documents.values()
        for own in (self.own_targets, self.own_policies):
            yield from (loaded for _, loaded in own)

    @cached_property
    def blueprints_of_fleet(self) -> Mapping[str, tuple[Loaded[Blueprint], ...]]:
        """The blueprints that go to each fleet, by name."""
        found: dict[str, list[Loaded[Blueprint]]] = defaultdict(list)
        for _, loaded in sorted(self.repository.blueprints.items()):
            found[loaded.document.spec.fleet.ref].append(loaded)
        return {name: tuple(blueprints) for name, blueprints in found.items()}

    @cached_property
    def placed(self) -> tuple[Placed, ...]:
        """Every device: those of fleet documents by position, the right hosts of inventories by name."""
        found: list[Placed] = []
        for name, fleet in sorted(self.repository.fleets.items()):
            if fleet.document.spec.inventory is None:
                written = enumerate(fleet.document.spec.devices or ())
                found += (Placed(fleet, position, device) for position, device in written)
            else:
                found += (Placed(fleet, None, device) for device in self.repository.devices_of(name).devices)
        return tuple(found)

    @cached_property
    def _counts(self) -> dict[str, Counts]:
        return {}

    def counts(self, fleet: str) -> Counts:
        """How many devices a fleet has of each target; none while the fleet, a host or a host's target is wrong."""
        if fleet not in self._counts:
            self._counts[fleet] = self._counted(fleet)
        return self._counts[fleet]

    def _counted(self, fleet: str) -> Counts:
        if fleet not in self.repository.fleets:
            return Counts({}, is_real=False)
        read = self.repository.devices_of(fleet)
        if read.problems:
            return Counts({}, is_real=False)  # the hosts that are wrong are missing: every number would be too
        by_target = Counter(device.target for device in read.devices)
        if any(target not in self.repository.targets for target in by_target):
            return Counts({}, is_real=False)
        return Counts(by_target, any(device.connection.type != "local" for device in read.devices))

    def spans_of(self, found: Sequence[tuple[Placed, Path]]) -> list[Span]:
        """Places of devices, or of something in them. Hosts are looked for together: the inventory is read again.

        Of a host there is one place, that of its name, apart from what an overlay of its site says; where that is not
        known, the fleet's word for the inventory.
        """
        wanted: dict[str, list[str]] = defaultdict(list)
        for placed, _ in found:
            if placed.position is None:
                wanted[placed.fleet_name].append(placed.device.name)
        fleets, root = self.repository.fleets, self.repository.root
        hosts = {name: device_places(fleets[name].document, root, names) for name, names in wanted.items()}
        return [
            (place_of_value(placed.fleet.sites, placed.device.site, inner) if placed.position is None else None)
            or hosts.get(placed.fleet_name, {}).get(placed.device.name)
            or placed.fleet.spans.span(placed.path if placed.position is None else (*placed.path, *inner))
            for placed, inner in found
        ]

    @cached_property
    def machines(self) -> Mapping[Machine, tuple[Placed, ...]]:
        """The devices on each machine."""
        found: dict[Machine, list[Placed]] = defaultdict(list)
        for placed in self.placed:
            found[placed.machine].append(placed)
        return {machine: tuple(devices) for machine, devices in found.items()}

    @cached_property
    def hosts(self) -> Mapping[str, FleetHosts]:
        """The hosts of every fleet that has an inventory, by name of the fleet."""
        return index_hosts(self.repository)

    @cached_property
    def _datasets(self) -> dict[str, DatasetReport]:
        return {}

    def dataset(self, name: str) -> DatasetReport:
        """What is in a dataset; each file is read once."""
        if name not in self._datasets:
            self._datasets[name] = read_dataset(self.repository.root, name)
        return self._datasets[name]


def _own(documents: Mapping[str, Loaded[Any]]) -> Iterator[tuple[str, Loaded[Any]]]:
    return ((name, loaded) for name, loaded in sorted(documents.items()) if not loaded.path.startswith(SHIPPED))
