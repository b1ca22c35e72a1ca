"""Draws events: one plain line for each change in a log; on a terminal also a live line of what is being done."""

from __future__ import annotations

import shutil
import sys
import threading
import time

import click

from edgewright.cli.output.terminal import color_of, is_terminal, plain
from edgewright.kernel.events import Event
from edgewright.kernel.units import format_duration

_STYLES = {"start": "blue", "done": "green", "cached": "bright_black", "failed": "red", "note": "cyan"}


class ProgressLines:
    """An event sink for people: lines on stderr, safe to call from several threads; quiet about what was cached.

    On a terminal a start is not a line of its own: it is in the live line until it is done.
    """

    def __init__(self, *, show_cached: bool = False) -> None:
        self._show_cached = show_cached
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._running: dict[tuple[str, str], str] = {}
        self._is_live = is_terminal()

    def __call__(self, event: Event) -> None:
        """Print one event."""
        with self._lock:
            self._count(event)
            is_shown = event.phase != "cached" or self._show_cached
            if is_shown and not (self._is_live and event.phase == "start"):
                self._write_line(event)
            if self._is_live:
                self._draw_live_line()

    def _count(self, event: Event) -> None:
        key = (event.stage, event.subject)
        if event.phase == "start":
            self._running[key] = event.detail
        elif event.phase != "note":
            self._running.pop(key, None)

    def _write_line(self, event: Event) -> None:
        since = f"{time.monotonic() - self._started:6.1f} s"
        phase = click.style(f"{event.phase:6}", fg=_STYLES[event.phase])
        took = f" ({format_duration(event.seconds)})" if event.seconds is not None else ""
        detail = f": {plain(event.detail)}" if event.detail else ""
        erase = "\r\x1b[2K" if self._is_live else ""
        text = f"{since}  {event.stage:9} {phase} {plain(event.subject)}{detail}{took}"
        click.echo(erase + text, err=True, color=True if self._is_live and color_of("stderr") else None)

    def _draw_live_line(self) -> None:
        text = ""
        if self._running:
            (stage, subject), detail = next(reversed(self._running.items()))
            more = f" and {len(self._running) - 1} more" if len(self._running) > 1 else ""
            since = f"{time.monotonic() - self._started:6.1f} s"
            text = plain(f"{since}  {stage} {subject}{': ' + detail if detail else ''}{more} …")
            text = text[: shutil.get_terminal_size().columns - 1]
        sys.stderr.write(f"\r\x1b[2K{text}")
        sys.stderr.flush()
