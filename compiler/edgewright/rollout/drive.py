"""The drive: asks the controller what to do, has it done, and writes both to the ledger.

Owns the loop and the waiting. Must not decide which device gets what. Invariants: a command is in the ledger before it
is sent, an answer before the next decision; the loop can be cut at any instruction and resumed from the ledger alone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from edgewright.kernel.events import Event as Progress
from edgewright.kernel.events import EventSink, Phase, discard
from edgewright.kernel.units import format_duration
from edgewright.rollout.controller import RolloutState, advance, decide
from edgewright.rollout.events import Answered, Event, Finish, Finished, Polled, Sent, Soak, Soaked, Tell
from edgewright.rollout.ledger import Ledger
from edgewright.rollout.roster import Status

POLL_S = 5.0


class Devices(Protocol):
    """Whatever reaches devices: the Ansible runner, or a simulation."""

    def perform(self, command: Tell) -> list[Answered]:
        """Do a command; one answer for each of its devices."""


def pause(seconds: float) -> None:
    """Wait; an interrupt ends it."""
    threading.Event().wait(seconds)


@dataclass(slots=True)
class Drive:
    """One controller at work on one roll-out. `wait_s` is how long absent devices are waited for at the end."""

    ledger: Ledger
    rollout: int
    devices: Devices
    progress: EventSink = discard
    wait_s: float = 0.0
    sleep: Callable[[float], None] = pause
    monotonic: Callable[[], float] = time.monotonic

    def run(self, state: RolloutState) -> RolloutState:
        """Work until the controller has nothing left to do; returns the final state, its verdict set."""
        deadline: float | None = None
        while True:
            command = decide(state)
            match command:
                case Finish("waiting"):
                    deadline = deadline if deadline is not None else self.monotonic() + self.wait_s
                    if self.monotonic() >= deadline:
                        return self._record(state, Finished("waiting"))
                    self._say("rollout", ", ".join(state.named(Status.ABSENT)), "note", "absent, waiting")
                    self.sleep(min(POLL_S, max(deadline - self.monotonic(), 0.0)))
                    state = self._record(state, Polled())
                case Finish():
                    return self._record(state, Finished(command.verdict))
                case Soak():
                    self._say("rollout", f"wave {command.wave}", "note", f"soaks {format_duration(command.seconds)}")
                    self.sleep(command.seconds)
                    state = self._record(state, Soaked(command.wave))
                case Tell():
                    state = self._tell(state, command)

    def _tell(self, state: RolloutState, command: Tell) -> RolloutState:
        began = self.monotonic()
        self._say(command.action, ", ".join(command.devices), "start", "")
        state = self._record(state, Sent(command.action, command.devices))
        for answer in self.devices.perform(command):
            state = self._record(state, answer)
            phase: Phase = "done" if answer.outcome == "ok" else "failed"
            why = "" if answer.outcome == "ok" else f"{answer.slug}: {answer.message}"
            self.progress(Progress(command.action, answer.device, phase, why, self.monotonic() - began))
        return state

    def _say(self, stage: str, subject: str, phase: Phase, detail: str) -> None:
        self.progress(Progress(stage, subject, phase, detail))

    def _record(self, state: RolloutState, event: Event) -> RolloutState:
        after = advance(state, event)
        changed = {name: after.devices[name].status.value for name in after.devices.since(state.devices)}
        self.ledger.append(self.rollout, event, changed)
        return after
