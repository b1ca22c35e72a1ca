"""The plan of one roll-out: what goes where, in which waves, and how much may fail.

Owns the plan and its JSON form. Knows nothing of time or of what devices answered. Invariant: a plan is fixed when a
roll-out starts and read back from the ledger on resume, so an edited blueprint never changes a roll-out under way.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Literal

from edgewright.render.waves import Wave, plan_waves
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


@dataclass(frozen=True)
class RolloutPlan:
    """Everything that is decided before the first device is told anything.

    `renewed` devices run the release already and get it again, because they differ from it. A reconciliation's last
    "wave" is told nothing: `settled` devices run the release as it should be, `left` ones cannot be put right by it."""

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
    renewed: tuple[str, ...] = ()
    settled: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    @property
    def is_reconciliation(self) -> bool:
        """Whether only devices that differ are told anything, and are compared with what was signed."""
        return bool(self.renewed or self.settled or self.left)

    @cached_property
    def _renewed(self) -> frozenset[str]:
        return frozenset(self.renewed)

    @cached_property
    def _settled(self) -> frozenset[str]:
        return frozenset(self.settled)

    @cached_property
    def _waves(self) -> Mapping[str, int]:
        return {planned.name: planned.wave for planned in self.devices}

    def is_renewed(self, device: str) -> bool:
        """Whether a device runs the release already and gets it again."""
        return device in self._renewed

    def ran_before(self, device: str) -> bool:
        """Whether a device ran the release before this roll-out: leaving the release is then no way back."""
        return device in self._renewed or device in self._settled

    def wave_of(self, device: str) -> int:
        """The wave of a device, from 1."""
        return self._waves[device]

    def to_json(self) -> dict[str, Any]:
        """JSON form, as kept in the ledger."""
        return asdict(self)

    @staticmethod
    def from_json(document: Mapping[str, Any]) -> RolloutPlan:
        """Read back what `to_json` wrote."""
        values = dict(document)
        values["waves"] = tuple(Wave(w["number"], w["label"], tuple(w["devices"])) for w in document["waves"])
        values["devices"] = tuple(PlannedDevice(**device) for device in document["devices"])
        for name in ("quarantined", "renewed", "settled", "left"):
            values[name] = tuple(document.get(name, ()))
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


def plan_reconciliation(
    blueprint: str,
    version: str,
    release: int,
    devices: Sequence[Device],
    differing: Mapping[str, bool],
    settled: Sequence[str],
    spec: RolloutSpec,
    quarantined: Sequence[str] = (),
) -> RolloutPlan:
    """Plan for the devices that differ alone: name → whether the device runs the release already (and is renewed).

    Waves, canary and budget are cut over those; the others of `devices` stand in a last wave that is told nothing."""
    told = [device for device in devices if device.name in differing]
    waves = plan_waves(told, spec.waves)
    in_sync = set(settled)
    others = tuple(device.name for device in devices if device.name not in differing)
    every = (*waves, Wave(len(waves) + 1, "untouched", others)) if others else waves
    plan = make_plan(blueprint, version, release, devices, every, spec, quarantined)
    return replace(
        plan,
        allowed_failures=math.floor(round(spec.failure_budget * len(told), 9)),
        renewed=tuple(sorted(name for name, runs_it in differing.items() if runs_it)),
        settled=tuple(name for name in others if name in in_sync),
        left=tuple(name for name in others if name not in in_sync),
    )
