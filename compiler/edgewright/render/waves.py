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
    total = len(left)
    planned: list[Wave] = []
    for wave in waves:
        if isinstance(wave, CanaryWave):
            taken, label = _canary(left, wave.per_target), "canary"
        else:
            wanted = math.ceil(round(wave * total, 9)) - (total - len(left))
            taken, label = left[: max(wanted, 0)], f"{wave * 100:g}-percent".replace(".", "-")
        if taken:
            names = {device.name for device in taken}
            left = [device for device in left if device.name not in names]
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
        ((index + 0.5) / len(members), stratum, device)
        for stratum, members in strata.items()
        for index, device in enumerate(members)
    ]
    return [device for _, _, device in sorted(placed, key=lambda item: (item[0], item[1], item[2].name))]


def _canary(left: Sequence[Device], per_target: int) -> list[Device]:
    """The first of each target, at sites not yet taken where there is a choice."""
    taken: list[Device] = []
    for target in sorted({device.target for device in left}):
        candidates = [device for device in left if device.target == target]
        for _ in range(min(per_target, len(candidates))):
            sites = {device.site for device in taken}
            chosen = next((device for device in candidates if device.site not in sites), candidates[0])
            taken.append(chosen)
            candidates.remove(chosen)
    return taken
