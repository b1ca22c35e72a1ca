"""What is to run on a machine: every blueprint of every fleet that has the machine as a device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edgewright.check.whole import MOST_REPORTED, Placed, Whole


@dataclass(frozen=True, slots=True)
class Occupant:
    """One blueprint on one device: the port and the folder that it will have."""

    placed: Placed
    blueprint: str
    port: int
    root: str

    @property
    def words(self) -> str:
        """Which service that is."""
        return f"{self.blueprint} on {self.placed.device.name}"


def occupants(whole: Whole, placed: Sequence[Placed]) -> Iterator[Occupant]:
    """The services of the devices of one machine.

    Of a fleet with many blueprints only so many are looked at as are reported: each further one clashes like the first,
    and a machine in a hundred fleets of a hundred blueprints must not cost ten thousand steps.
    """
    for here in placed:
        for loaded in whole.blueprints_of_fleet.get(here.fleet_name, ())[: MOST_REPORTED + 1]:
            name = loaded.document.metadata.name
            port = here.device.port or loaded.document.spec.service.port
            yield Occupant(here, name, port, here.device.root or f"/opt/edgewright/{name}")
