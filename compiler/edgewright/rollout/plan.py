"""The plan of one roll-out: what goes where, in which waves, and how much may fail.

Owns the plan and its JSON form. Knows nothing of time or of what devices answered. Invariant: a plan is fixed when a
roll-out starts and read back from the ledger on resume, so an edited blueprint never changes a roll-out under way.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from edgewright.render.waves import Wave
from edgewright.spec.v1beta1.blueprint import RolloutSpec
from edgewright.spec.v1beta1.fleet import Device

AbsentPolicy = Literal["wait", "skip", "fail"]
FailurePolicy = Literal["rollback-wave", "rollback-all", "pause"]


@dataclass(frozen=True, slots=True)
class PlannedDevice:
    """One device in the plan; `wave` counts from 1."""

    name: str
    target: str
    site: str
    wave: int


@dataclass(frozen=True, slots=True)
class RolloutPlan:
    """Everything that is decided before the first device is told anything."""

    blueprint: str
    release: int
    version: str
    waves: tuple[Wave, ...]
    devices: tuple[PlannedDevice, ...]
    max_unavailable: int
    allowed_failures: int
    soak_s: float
    absent: AbsentPolicy
    on_failure: FailurePolicy
    quarantined: tuple[str, ...] = ()

    def wave_of(self, device: str) -> int:
        """The wave of a device, from 1."""
        return next(planned.wave for planned in self.devices if planned.name == device)

    def to_json(self) -> dict[str, Any]:
        """JSON form, as kept in the ledger."""
        return asdict(self)

    @staticmethod
    def from_json(document: Mapping[str, Any]) -> RolloutPlan:
        """Read back what `to_json` wrote."""
        values = dict(document)
        values["waves"] = tuple(Wave(w["number"], w["label"], tuple(w["devices"])) for w in document["waves"])
        values["devices"] = tuple(PlannedDevice(**device) for device in document["devices"])
        values["quarantined"] = tuple(document["quarantined"])
        return RolloutPlan(**values)


def make_plan(
    blueprint: str,
    version: str,
    release: int,
    devices: Sequence[Device],
    waves: tuple[Wave, ...],
    spec: RolloutSpec,
    quarantined: Sequence[str] = (),
) -> RolloutPlan:
    """Plan a roll-out. Failures allowed: the whole devices in `failureBudget` of the fleet, rounded down."""
    wave_of = {name: wave.number for wave in waves for name in wave.devices}
    return RolloutPlan(
        blueprint=blueprint,
        release=release,
        version=version,
        waves=waves,
        devices=tuple(
            PlannedDevice(device.name, device.target, device.site, wave_of[device.name])
            for device in sorted(devices, key=lambda device: (wave_of[device.name], device.name))
        ),
        max_unavailable=spec.max_unavailable,
        allowed_failures=math.floor(round(spec.failure_budget * len(devices), 9)),
        soak_s=spec.soak,
        absent=spec.absent,
        on_failure=spec.on_failure,
        quarantined=tuple(sorted(quarantined)),
    )
