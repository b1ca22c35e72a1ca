"""Events and commands of a roll-out: the words the controller, the runner and the ledger share.

Owns their JSON form. Invariant: every event read back from the ledger equals the one that was written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Action = Literal["deploy", "check", "confirm", "rollback", "observe"]
Outcome = Literal["ok", "failed", "unreachable"]
Verdict = Literal["confirmed", "waiting", "paused", "rolled-back", "abandoned"]


@dataclass(frozen=True, slots=True)
class Sent:
    """Devices are about to be told something; written before it is done."""

    action: Action
    devices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """One device's answer. `current` and `confirmed` are release numbers as the device told them, None when it did not.

    `denied` tells that the device itself quarantined the release; `detail` keeps measurements for people.
    """

    device: str
    action: Action
    outcome: Outcome
    slug: str | None = None
    message: str | None = None
    hint: str | None = None
    state: str | None = None
    current: int | None = None
    confirmed: int | None = None
    previous: int | None = None
    denied: bool = False
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Soaked:
    """A wave ran for the soak time."""

    wave: int


@dataclass(frozen=True, slots=True)
class Resumed:
    """A controller took over: whatever was under way must be observed before anything else is done."""


@dataclass(frozen=True, slots=True)
class Polled:
    """Absent devices are to be tried again."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """A person wants some devices to leave the release."""

    devices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finished:
    """The roll-out came to a verdict."""

    verdict: Verdict


Event = Sent | Answered | Soaked | Resumed | Polled | Recalled | Finished

KINDS: dict[str, type[Event]] = {
    "sent": Sent,
    "answered": Answered,
    "soaked": Soaked,
    "resumed": Resumed,
    "polled": Polled,
    "recalled": Recalled,
    "finished": Finished,
}
"""The events that the state of a roll-out follows from; the ledger has others beside them."""


def event_kind(event: Event) -> str:
    """Name of an event in the ledger."""
    return type(event).__name__.lower()


def event_to_json(event: Event) -> dict[str, Any]:
    """The event's fields."""
    return asdict(event)


def event_from_json(kind: str, document: Mapping[str, Any]) -> Event:
    """Read back what `event_to_json` wrote under `event_kind`."""
    values = dict(document)
    if "devices" in values:
        values["devices"] = tuple(values["devices"])
    return KINDS[kind](**values)


@dataclass(frozen=True, slots=True)
class Tell:
    """Command: do one thing on some devices, at the same time, in one run."""

    action: Action
    devices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Soak:
    """Command: let a wave run before its health is checked again and the next wave starts."""

    wave: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Finish:
    """Command: there is nothing left to do now."""

    verdict: Verdict


Command = Tell | Soak | Finish
