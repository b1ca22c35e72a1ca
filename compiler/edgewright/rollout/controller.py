"""The roll-out as a pure state machine: `advance(state, event)` gives the next state, `decide(state)` the next command.

Owns every decision of a roll-out. Must not know Ansible, files, the ledger, or what time it is. Invariants:

- a device belongs to one wave, and at most `max_unavailable` devices are deployed to at a time;
- a device is confirmed only after its health passed, and never twice;
- an absent device never holds a wave and never counts as failed, unless the blueprint says `absent: fail`;
- a failure in the canary, or one beyond the budget, starts no further deployment;
- the wave that failed is left whole: healthy and confirmed mates too, unless later waves had begun, or the roll-out had
  come to its end: a latecomer that fails takes nobody back but the unconfirmed;
- a device that ran the release before this roll-out does not leave it: it is renewed, and a failure stays its own;
- what was told and not answered (the controller died) is observed before anything else is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

from edgewright.rollout.events import (
    Action,
    Answered,
    Command,
    Event,
    Finish,
    Finished,
    Polled,
    Recalled,
    Resumed,
    Sent,
    Soak,
    Soaked,
    Tell,
    Verdict,
)
from edgewright.rollout.plan import RolloutPlan
from edgewright.rollout.roster import DeviceState, Roster, Status

IN_FLIGHT = frozenset({Status.DEPLOYING, Status.CONFIRMING, Status.LEAVING})
RUNS_IT = frozenset({Status.UNCHECKED, Status.HEALTHY, Status.CONFIRMED, Status.SOAKED})


@dataclass(frozen=True, slots=True)
class RolloutState:
    """The whole roll-out. `closed` waves are those that later ones built on; `forgiven` counts failures from before a
    pause that a person resumed; `is_leaving` once everybody who is to leave the release was marked."""

    plan: RolloutPlan
    devices: Roster
    soaked: frozenset[int] = frozenset()
    closed: frozenset[int] = frozenset()
    stopping: Literal["rollback", "pause"] | None = None
    failed_wave: int | None = None
    forgiven: int = 0
    verdict: Verdict | None = None
    is_leaving: bool = False

    @property
    def failures(self) -> int:
        """Devices that count against the budget."""
        return self.devices.failures - self.forgiven

    def named(self, *statuses: Status) -> tuple[str, ...]:
        """Devices in some statuses, in the order of the waves."""
        return tuple(self.devices.named(*statuses))


def begin(plan: RolloutPlan) -> RolloutState:
    """The state before the first command."""
    first = {
        **dict.fromkeys(plan.quarantined, Status.QUARANTINED),
        **dict.fromkeys(plan.settled, Status.CONFIRMED),
        **dict.fromkeys(plan.left, Status.SKIPPED),
    }
    names = (name for wave in plan.waves for name in wave.devices)
    return RolloutState(plan, Roster.of({name: DeviceState(first.get(name, Status.PENDING)) for name in names}))


def replay(plan: RolloutPlan, events: Iterable[Event]) -> RolloutState:
    """The state after all events of a ledger."""
    state = begin(plan)
    for event in events:
        state = advance(state, event)
    return state


def decide(state: RolloutState) -> Command:
    """The next command. All answers to the last one are in, so what is in flight was lost with its controller."""
    if lost := state.named(*IN_FLIGHT):
        return Tell("observe", lost)
    if due := tuple(name for name in state.named(Status.LEAVE) if not state.devices[name].is_away):
        return Tell("rollback", due)
    for status, action in _NEXT_STEP:
        if waiting := _waiting(state, status):
            return Tell(action, waiting)
    if state.stopping == "rollback":
        return Finish("rolled-back")
    if state.stopping == "pause":
        return Finish("paused")
    return _next_wave(state)


_NEXT_STEP: tuple[tuple[Status, Action], ...] = (
    (Status.UNCHECKED, "check"),
    (Status.HEALTHY, "confirm"),
    (Status.SOAKED, "check"),
)


def _waiting(state: RolloutState, status: Status) -> tuple[str, ...]:
    """Devices whose next step is due; while rolling back only renewed ones go on, because they have nowhere to go."""
    names = state.named(status)
    if state.stopping != "rollback":
        return names
    return tuple(name for name in names if state.plan.is_renewed(name) and status != Status.SOAKED)


def _next_wave(state: RolloutState) -> Command:
    plan = state.plan
    pending = tuple(islice(state.devices.named(Status.PENDING), plan.max_unavailable))
    if not pending:
        return Finish("waiting" if state.named(Status.ABSENT) else "confirmed")
    number = plan.wave_of(pending[0])
    for wave in plan.waves[: number - 1]:
        has_run = any(state.devices[name].status == Status.CONFIRMED for name in wave.devices)
        if has_run and wave.number not in state.soaked and plan.soak_s > 0:
            return Soak(wave.number, plan.soak_s)
    return Tell("deploy", tuple(name for name in pending if plan.wave_of(name) == number))


def advance(state: RolloutState, event: Event) -> RolloutState:
    """The state after an event."""
    match event:
        case Sent():
            return _sent(state, event)
        case Answered():
            return _answered(state, event)
        case Soaked():
            members = state.plan.waves[event.wave - 1].devices
            return replace(_move(state, members, {Status.CONFIRMED: Status.SOAKED}), soaked=state.soaked | {event.wave})
        case Polled():
            return replace(_move(state, state.devices, {Status.ABSENT: Status.DEPLOYING}), verdict=None)
        case Resumed():
            return _resumed(state)
        case Recalled():
            due: dict[Status, Status] = {status: Status.LEAVE for status in Status if status != Status.ROLLED_BACK}
            return replace(_move(state, event.devices, due), stopping="rollback", verdict=None, is_leaving=False)
        case Finished():
            closed = state.closed
            if event.verdict in {"waiting", "confirmed"}:
                closed = frozenset(wave.number for wave in state.plan.waves)
            return replace(state, verdict=event.verdict, closed=closed)


def _move(state: RolloutState, names: Iterable[str], moves: Mapping[Status, Status]) -> RolloutState:
    devices = {}
    for name in names:
        device = state.devices[name]
        devices[name] = replace(device, status=moves.get(device.status, device.status), is_away=False)
    return replace(state, devices=state.devices.changed(devices))


def _sent(state: RolloutState, event: Sent) -> RolloutState:
    moves = {
        "deploy": {Status.PENDING: Status.DEPLOYING},
        "confirm": {Status.HEALTHY: Status.CONFIRMING},
        "rollback": {Status.LEAVE: Status.LEAVING},
    }
    state = _move(state, event.devices, moves.get(event.action, {}))
    if event.action != "deploy" or not event.devices:
        return state
    number = state.plan.wave_of(event.devices[0])
    return replace(state, closed=state.closed | set(range(1, number)))


def _resumed(state: RolloutState) -> RolloutState:
    """Time has passed: what was unconfirmed may have reverted; what was absent may be back; a pause was lifted.

    `deploying` without an answer means in doubt: such a device is observed first."""
    moves = {
        Status.UNCHECKED: Status.DEPLOYING,
        Status.HEALTHY: Status.DEPLOYING,
        Status.ABSENT: Status.DEPLOYING,
    }
    state = replace(_move(state, state.devices, moves), verdict=None)
    if state.stopping != "pause":
        return state
    again = {name: DeviceState(Status.PENDING) for name, device in state.devices.items() if _may_retry(device)}
    devices = state.devices.changed(again)
    return replace(state, devices=devices, stopping=None, failed_wave=None, forgiven=devices.failures)


def _may_retry(device: DeviceState) -> bool:
    return device.status == Status.FAILED and not device.is_quarantined


def _answered(state: RolloutState, event: Answered) -> RolloutState:
    before = state.devices[event.device]
    after = _unreachable(state, before, event) if event.outcome == "unreachable" else _reached(state, before, event)
    state = replace(state, devices=state.devices.changed({event.device: after}))
    if after.is_failure and not before.is_failure:
        state = _judge(state, event.device)
    if state.stopping != "rollback":
        return state
    return _leave(state, (event.device,) if state.is_leaving else state.devices)


def _unreachable(state: RolloutState, before: DeviceState, event: Answered) -> DeviceState:
    if before.status in {Status.LEAVING, Status.LEAVE}:
        return replace(before, status=Status.LEAVE, is_away=True)
    if before.status in {Status.CONFIRMED, Status.SOAKED}:
        return replace(before, status=Status.CONFIRMED, is_away=True)
    if state.plan.absent == "fail":
        return _failed(event)
    status = Status.SKIPPED if state.plan.absent == "skip" else Status.ABSENT
    return DeviceState(status, is_away=True, slug=event.slug, message=event.message)


def _failed(event: Answered, status: Status = Status.FAILED) -> DeviceState:
    return DeviceState(
        status,
        is_failure=True,
        is_quarantined=event.denied,
        slug=event.slug or "unreachable",
        message=event.message,
        hint=event.hint,
    )


def _reached(state: RolloutState, before: DeviceState, event: Answered) -> DeviceState:
    if event.action == "observe":
        return _observed(state, before, event)
    if event.action == "rollback":
        # a device that cannot leave stays due: the next resume tries again, and status names the reason
        left = event.outcome == "ok" and event.current != state.plan.release
        status = Status.ROLLED_BACK if left else Status.LEAVE
        return replace(before, status=status, is_away=not left, slug=event.slug, message=event.message)
    if event.outcome == "failed":
        # a release that was confirmed, or that still runs, does not revert by itself: it has to be left by command
        runs_it = before.status in {Status.SOAKED, Status.LEAVE} or event.current == state.plan.release
        runs_it &= not state.plan.ran_before(event.device)
        return _failed(event, Status.LEAVE if runs_it else Status.FAILED)
    if event.action == "confirm" or before.status == Status.SOAKED or _is_confirmed(state, event):
        return DeviceState(Status.CONFIRMED)
    return DeviceState(Status.HEALTHY)


def _is_confirmed(state: RolloutState, event: Answered) -> bool:
    """Both links name the release, and no renewal waits for its confirmation."""
    return event.current == event.confirmed == state.plan.release and event.state != "active-unconfirmed"


def _observed(state: RolloutState, before: DeviceState, event: Answered) -> DeviceState:
    if before.status in {Status.LEAVING, Status.LEAVE}:
        left = event.outcome == "ok" and event.current != state.plan.release
        return replace(before, status=Status.ROLLED_BACK if left else Status.LEAVE)
    if event.outcome == "failed":
        return _failed(event)
    if _is_confirmed(state, event):
        # that a device confirmed the release does not say that it was renewed, unless that is what was asked last
        was_renewed = before.status == Status.CONFIRMING and event.state == "confirmed"
        is_done = not state.plan.is_renewed(event.device) or was_renewed
        return DeviceState(Status.CONFIRMED if is_done else Status.PENDING)
    if event.current == state.plan.release:
        return DeviceState(Status.UNCHECKED)
    if event.denied:
        return _failed(event)
    return DeviceState(Status.PENDING)


def _judge(state: RolloutState, device: str) -> RolloutState:
    """Decide after a failure whether the roll-out goes on."""
    number = state.plan.wave_of(device)
    tolerated = 0 if state.plan.waves[number - 1].is_canary else state.plan.allowed_failures
    if state.failures <= tolerated or state.stopping is not None:
        return state
    stopping: Literal["rollback", "pause"] = "pause" if state.plan.on_failure == "pause" else "rollback"
    return replace(state, stopping=stopping, failed_wave=number)


def _leave(state: RolloutState, names: Iterable[str]) -> RolloutState:
    """A roll-back was decided: whoever runs the release in its scope is to leave it, late answers included."""
    plan = state.plan
    failed = None if state.failed_wave in state.closed else state.failed_wave
    leaving = {}
    for name in names:
        device = state.devices[name]
        in_scope = plan.on_failure == "rollback-all" or plan.wave_of(name) == failed
        is_unconfirmed = device.status in {Status.UNCHECKED, Status.HEALTHY}
        if device.status in RUNS_IT and (in_scope or is_unconfirmed) and not plan.ran_before(name):
            leaving[name] = replace(device, status=Status.LEAVE)
    return replace(state, devices=state.devices.changed(leaving), is_leaving=True)
