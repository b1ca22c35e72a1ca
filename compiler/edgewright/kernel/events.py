"""Events: what a long command tells while it works, as values. Who draws them is not known here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

Phase = Literal["start", "done", "cached", "failed", "note"]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened: `stage` is a verb of the command line, `subject` what it happened to."""

    stage: str
    subject: str
    phase: Phase
    detail: str = ""
    seconds: float | None = None


class EventSink(Protocol):
    """Receives events; must be quick and must not raise."""

    def __call__(self, event: Event) -> None:
        """Take one event."""


def discard(event: Event) -> None:
    """The sink of callers that do not listen."""
