"""Draws events: one plain line for each change, with its time; quiet about what was cached unless asked."""

from __future__ import annotations

import threading
import time

import click

from edgewright.kernel.events import Event
from edgewright.kernel.units import format_duration

_STYLES = {"start": "blue", "done": "green", "cached": "bright_black", "failed": "red", "note": "cyan"}


class ProgressLines:
    """An event sink for people: lines on stderr, safe to call from several threads."""

    def __init__(self, *, show_cached: bool = False) -> None:
        self._show_cached = show_cached
        self._lock = threading.Lock()
        self._started = time.monotonic()

    def __call__(self, event: Event) -> None:
        """Print one event."""
        if event.phase == "cached" and not self._show_cached:
            return
        since = f"{time.monotonic() - self._started:6.1f} s"
        phase = click.style(f"{event.phase:6}", fg=_STYLES[event.phase])
        took = f" ({format_duration(event.seconds)})" if event.seconds is not None else ""
        detail = f": {event.detail}" if event.detail else ""
        with self._lock:
            click.echo(f"{since}  {event.stage:9} {phase} {event.subject}{detail}{took}", err=True)
