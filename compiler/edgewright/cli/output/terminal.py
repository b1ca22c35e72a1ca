"""What kind of place the output goes to: colours or not, a live line or a log; and text that may be shown on it."""

from __future__ import annotations

import os
import sys
from typing import Literal


def is_terminal() -> bool:
    """Whether a person watches stderr; a terminal that can do nothing (`TERM=dumb`) counts as a log."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def color_of(stream: Literal["stdout", "stderr"]) -> bool:
    """Whether to colour a stream: a terminal without NO_COLOR (https://no-color.org)."""
    if os.environ.get("NO_COLOR"):
        return False
    return (sys.stdout if stream == "stdout" else sys.stderr).isatty()


def end_live_line() -> None:
    """Clear what a live line left on the terminal, before something else is printed."""
    if is_terminal():
        sys.stderr.write("\r\x1b[2K")
        sys.stderr.flush()


def plain(text: str) -> str:
    """Text of a file or a device, unable to move the cursor or change colours."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)
