"""Waves: which device gets a release when.

Owns the order of devices and the cut into waves. Knows nothing of Ansible or of what a device runs. Invariants: the
waves partition the fleet; the same fleet in another order gives the same waves; within a wave the devices of one site
and of one target are as far apart as their numbers allow, so that a batch does not saturate one uplink.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edgewright.spec.v1beta1.blueprint import CanaryWave
from edgewright.spec.v1beta1.fleet import Device


@dataclass(frozen=True, slots=True)
class Wave:
    """One wave: `01-canary`, `02-10-percent`; devices in the order in which they are taken."""

    number: int
    label: str
    devices: tuple[str, ...]

    @property
    def name(self) -> str:
        """File-name form, sorting in roll-out order."""
        return f"{self.number:02d}-{self.label}"

    @property
    def is_canary(self) -> bool:
        """In a canary no failure is tolerated, whatever the budget."""
        return self.label == "canary"


def plan_waves(devices: Sequence[Device], waves: Iterable[CanaryWave | float]) -> tuple[Wave, ...]:
    """Cut a fleet: `n per target` for a canary, then shares of the whole fleet that grow to 1; empty waves are dropped.

    A share of p takes devices until ceil(p * N) of the N devices are in this wave or an earlier one.
    """
    left = spread(devices)
    total, start = len(left), 0
    planned: list[Wave] = []
    for wave in waves:
        if isinstance(wave, CanaryWave):
            taken, label = _canary(left[start:], wave.per_target), "canary"
            names = {device.name for device in taken}
            left = [*left[:start], *taken, *(device for device in left[start:] if device.name not in names)]
        else:
            end = math.ceil(round(wave * total, 9))
            taken, label = left[start:end], f"{wave * 100:g}-percent".replace(".", "-")
        if taken:
            start += len(taken)
            planned.append(Wave(len(planned) + 1, label, tuple(device.name for device in taken)))
    return tuple(planned)


def spread(devices: Sequence[Device]) -> list[Device]:
    """Order a fleet so that every prefix has each site, and each target at a site, in its share of the fleet.

    Each device gets its fractional place in its stratum, (k + 1/2) / size: merging strata by it is the usual stratified
    systematic sample.
    """
    strata: dict[tuple[str, str], list[Device]] = defaultdict(list)
    for device in sorted(devices, key=lambda device: device.name):
        strata[device.site, device.target].append(device)
    placed = [
        ((index + 0.5) / len(members), stratum, device.name, device)
        for stratum, members in strata.items()
        for index, device in enumerate(members)
    ]
    placed.sort()  # names are unique, so two devices are never compared
    return [device for _, _, _, device in placed]


def _canary(left: Sequence[Device], per_target: int) -> list[Device]:
    """The first of each target, at sites not yet taken where there is a choice."""
    candidates: dict[str, list[Device]] = defaultdict(list)
    for device in left:
        candidates[device.target].append(device)
    taken: list[Device] = []
    sites: set[str] = set()
    for _, members in sorted(candidates.items()):
        taken += _first(members, per_target, sites)
    return taken


def _first(members: Sequence[Device], count: int, sites: set[str]) -> list[Device]:
    """Some devices in order: those at new sites, which are added to `sites`, then the ones that were passed over."""
    chosen: list[Device] = []
    passed: list[Device] = []
    for device in members:
        if len(chosen) == count:
            return chosen
        if device.site in sites:
            passed.append(device)
        else:
            sites.add(device.site)
            chosen.append(device)
    return chosen + passed[: count - len(chosen)]
