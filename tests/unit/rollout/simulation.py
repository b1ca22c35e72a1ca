"""A fleet in memory: devices with the agent's contract, links that fail, and a controller that can be killed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from edgewright.render.waves import Wave
from edgewright.rollout.controller import RolloutState, advance, decide
from edgewright.rollout.events import Answered, Event, Finish, Finished, Polled, Resumed, Sent, Soak, Soaked, Tell
from edgewright.rollout.plan import AbsentPolicy, FailurePolicy, PlannedDevice, RolloutPlan

OLD, NEW = 1_000_000, 1_001_000


@dataclass
class SimulatedDevice:
    """What one device runs, and how it will behave."""

    healthy: bool = True
    reachable: bool = True
    current: int = OLD
    confirmed: int = OLD
    denied: bool = False
    activations: int = 0
    confirmations: int = 0
    fails_after_soak: bool = False
    damaged: bool = False
    renewing: bool = False
    renewals: int = 0

    def answer(self, name: str, action: str) -> Answered:
        if not self.reachable:
            return Answered(name, action, "unreachable", "unreachable", "no route")  # type: ignore[arg-type]
        match action:
            case "deploy":
                return self._deploy(name)
            case "check" if self.current == NEW and not self.fails_after_soak:
                return self._told(name, action)
            case "check":
                self.denied = True
                return self._told(name, action, "service-unhealthy")
            case "confirm" if self.current == NEW:
                self.confirmations += self.confirmed != NEW
                self.renewals += self.renewing
                self.renewing = False
                self.confirmed = NEW
                return self._told(name, action)
            case "confirm":
                return self._told(name, action, "confirm-too-late")
            case "rollback":
                self.current = self.confirmed = OLD
                return self._told(name, action)
        return self._told(name, action)

    def _deploy(self, name: str) -> Answered:
        if self.current == NEW and self.confirmed != NEW:
            return self._told(name, "deploy", "release-unconfirmed")
        if self.current != NEW:
            self.activations += 1
            if not self.healthy:
                self.denied = True
                return self._told(name, "deploy", "service-unhealthy")
            self.current = NEW
        elif self.damaged:
            self.activations += 1
            if not self.healthy:
                return self._told(name, "deploy", "service-unhealthy")
            self.damaged, self.renewing = False, True
        return self._told(name, "deploy")

    def overdue(self) -> None:
        """The confirm timeout passed."""
        self.current = self.confirmed
        if self.renewing:
            self.renewing, self.damaged = False, True

    def _told(self, name: str, action: str, slug: str | None = None) -> Answered:
        outcome = "failed" if slug else "ok"
        return Answered(
            name,
            action,  # type: ignore[arg-type]
            outcome,  # type: ignore[arg-type]
            slug,
            state="active-unconfirmed" if self.renewing else "confirmed",
            current=self.current,
            confirmed=self.confirmed,
            denied=self.denied,
        )


@dataclass
class Simulation:
    """Drives the pure controller; `journal` is the ledger, `told` what reached devices."""

    plan: RolloutPlan
    devices: dict[str, SimulatedDevice]
    journal: list[Event] = field(default_factory=list)
    told: list[Tell] = field(default_factory=list)
    waits: int = 0

    def run(self, state: RolloutState, *, die_after: int | None = None) -> RolloutState:
        """Work to the verdict, or be killed after some journal entries: answers after that are lost."""

        def record(event: Event) -> None:
            nonlocal state
            if die_after is not None and len(self.journal) >= die_after:
                raise Killed
            self.journal.append(event)
            state = advance(state, event)

        for _ in range(10_000):
            command = decide(state)
            match command:
                case Finish(verdict):
                    record(Finished(verdict))
                    return state
                case Soak(wave):
                    record(Soaked(wave))
                case Tell(action, names):
                    record(Sent(action, names))
                    self.told.append(command)
                    for answer in [self.devices[name].answer(name, action) for name in names]:
                        record(answer)
        raise AssertionError("the controller does not come to an end")

    def poll(self, state: RolloutState) -> RolloutState:
        self.journal.append(Polled())
        return self.run(advance(state, Polled()))

    def resume(self, state: RolloutState) -> RolloutState:
        self.journal.append(Resumed())
        return self.run(advance(state, Resumed()))


class Killed(Exception):
    """SIGKILL."""


def plan_of(
    *waves: int,
    canary: bool = True,
    max_unavailable: int = 100,
    allowed_failures: int = 0,
    absent: AbsentPolicy = "wait",
    on_failure: FailurePolicy = "rollback-wave",
    soak_s: float = 0.0,
    quarantined: tuple[str, ...] = (),
    renewed: tuple[str, ...] = (),
    settled: tuple[str, ...] = (),
) -> RolloutPlan:
    """A plan of waves of some sizes over devices a0, a1, b0, …: the letter is the wave."""
    named = tuple(
        Wave(
            number,
            "canary" if canary and number == 1 else f"{number}0-percent",
            tuple(f"{chr(96 + number)}{index}" for index in range(size)),
        )
        for number, size in enumerate(waves, 1)
    )
    if settled:
        named = (*named, Wave(len(named) + 1, "untouched", settled))
    devices = tuple(PlannedDevice(name, "x86-64-v3", "default", wave.number) for wave in named for name in wave.devices)
    plan = RolloutPlan(
        "shop", NEW, "1.1.0", named, devices, max_unavailable, allowed_failures, soak_s, absent, on_failure, quarantined
    )
    return replace(plan, renewed=renewed, settled=settled)


def simulate(plan: RolloutPlan, **behaviour: Mapping[str, object]) -> Simulation:
    """A simulation whose named devices behave as told; the others are well."""
    devices = {device.name: SimulatedDevice() for device in plan.devices}
    for name in (*plan.renewed, *plan.settled):
        devices[name] = SimulatedDevice(current=NEW, confirmed=NEW, damaged=name in plan.renewed)
    for name, values in behaviour.items():
        for key, value in values.items():
            setattr(devices[name], key, value)
    return Simulation(plan, devices)
