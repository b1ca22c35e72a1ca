"""The repository as a whole: what rules ask of more than one document, worked out once for all blueprints.

Owns the indexes: who goes to which fleet, which devices are on which machine, what is in a dataset. Must not know a
rule. Invariant: building every index takes time in proportion to the documents, so that checking a thousand blueprints
costs a thousand times one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from edgewright.check.datasets import DatasetReport, read_dataset
from edgewright.check.hosts import FleetHosts, index_hosts
from edgewright.load.documents import Loaded, Repository
from edgewright.load.tree import SHIPPED
from edgewright.load.yaml12 import Path
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
    """A device and where it is written."""

    fleet: Loaded[Fleet]
    position: int
    device: Device

    @property
    def path(self) -> Path:
        """The way to the device in its document."""
        return ("spec", "devices", self.position)

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
        """Every device that is written in a fleet document, by fleet and position."""
        return tuple(
            Placed(fleet, position, device)
            for _, fleet in sorted(self.repository.fleets.items())
            for position, device in enumerate(fleet.document.spec.devices or ())
        )

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
