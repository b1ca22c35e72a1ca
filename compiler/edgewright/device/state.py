"""What the device remembers: state.json, and the pure functions over it.

Owns the record and its meaning. Must not switch links or start processes.

The links `current` and `confirmed` are the truth about what runs; state.json says why, what is awaited, and what is
denied. A crash may leave the two one step apart, so every order of writes is chosen such that `settle` can tell:
activate writes the record, then switches `current`; confirm switches `confirmed`, then writes the record; revert
notes its reason in the record, switches `current`, restarts, then writes the record; rollback notes its reason,
switches `confirmed`, then `current`. `restart_due` is in the record before `current` changes and leaves it after the
restart.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from edgewright.device.documents import parse_object, read_capped
from edgewright.device.files import write_json
from edgewright.device.layout import Layout
from edgewright.device.refusal import Refusal

IDLE, FETCHING, STAGED = "idle", "fetching", "staged"
UNCONFIRMED, CONFIRMED, REVERTED = "active-unconfirmed", "confirmed", "reverted"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Activation:
    """A release that was switched to and not yet confirmed. Times are seconds.

    `boot_id` tells whose monotonic clock; `previous` is what was confirmed then; `reverting` says why a revert has
    begun."""

    release: int
    previous: int | None
    at_wall: float
    at_monotonic: float
    timeout_s: float
    boot_id: str
    healthy: bool = False
    reverting: Mapping[str, Any] | None = None

    @property
    def is_renewal(self) -> bool:
        """Whether the release was confirmed already: it was repaired, or got other options."""
        return self.release == self.previous


@dataclass(frozen=True)
class State:
    """Everything in state.json."""

    fetching: int | None = None
    staged: int | None = None
    active: Activation | None = None
    previous: int | None = None
    highest_confirmed: int = 0
    denied: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    reverted: Mapping[str, Any] | None = None
    health: Mapping[str, Any] | None = None
    agent: str | None = None
    restart_due: bool = False
    """`current` was about to change and the service may still run what it named before."""


def word(state: State, confirmed: int | None) -> str:
    """The one word for a state that the controller acts on."""
    if state.active is not None:
        return UNCONFIRMED
    if state.staged is not None:
        return STAGED
    if state.fetching is not None:
        return FETCHING
    if state.reverted is not None:
        return REVERTED
    return CONFIRMED if confirmed is not None else IDLE


def boot_id() -> str:
    """Changes at every boot; empty where the kernel does not tell (then every look counts as a new boot)."""
    try:
        return BOOT_ID.read_text("ascii").strip()
    except OSError:
        return ""


def remaining_s(active: Activation, now_wall: float, now_monotonic: float, boot: str) -> float:
    """Seconds until the device must be back on its confirmed release; 0 when that moment is over.

    In the same boot only the monotonic clock counts, so setting the clock changes nothing. After a reboot the wall
    clock counts, and a wall clock before the activation (no battery) counts as over: fail closed."""
    is_same_boot = boot != "" and boot == active.boot_id
    elapsed = now_monotonic - active.at_monotonic if is_same_boot else now_wall - active.at_wall
    if elapsed < 0:
        return 0.0
    return max(0.0, active.timeout_s - elapsed)


def remaining_now_s(active: Activation) -> float:
    """`remaining_s` by this device's clocks, now."""
    return remaining_s(active, time.time(), time.monotonic(), boot_id())


def deny(state: State, release: int, slug: str, message: str) -> State:
    """Quarantine a release on this device until it is lifted; the first reason stays."""
    if release in state.denied:
        return state
    entry = {"slug": slug, "message": message[:500], "at": timestamp(time.time())}
    return replace(state, denied={**state.denied, release: entry})


def timestamp(wall: float) -> str:
    """RFC 3339 in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(wall))


def _as_json(state: State) -> dict[str, Any]:
    active = state.active
    return {
        "schema": 1,
        "fetching": state.fetching,
        "staged": state.staged,
        "active": None if active is None else dict(vars(active)),
        "previous": state.previous,
        "highest_confirmed": state.highest_confirmed,
        "denied": {str(release): dict(why) for release, why in sorted(state.denied.items())},
        "reverted": state.reverted,
        "health": state.health,
        "agent": state.agent,
        "restart_due": state.restart_due,
    }


def read_state(layout: Layout) -> State:
    """The record, or an empty one when there is none; refuses `state-invalid` rather than forget a quarantine."""
    slug = "state-invalid"
    if not layout.state.exists():
        return State()
    document = parse_object(read_capped(layout.state, 4 * 2**20, slug), "state.json", slug)
    try:
        if document["schema"] != 1:
            raise Refusal(slug, f"state.json has schema {document['schema']!r}, this agent knows 1")
        active = document["active"]
        return State(
            fetching=document["fetching"],
            staged=document["staged"],
            active=None if active is None else Activation(**active),
            previous=document["previous"],
            highest_confirmed=int(document["highest_confirmed"]),
            denied={int(release): why for release, why in document["denied"].items()},
            reverted=document["reverted"],
            health=document["health"],
            agent=document["agent"],
            restart_due=bool(document["restart_due"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Refusal(slug, f"state.json is damaged: {type(error).__name__} {error}") from None


def write_state(layout: Layout, state: State) -> None:
    """Write the record atomically."""
    write_json(layout.state, _as_json(state))
