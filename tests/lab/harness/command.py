"""Owns: running a tool of the build machine to its end, and waiting for a condition.

Must not know: labs, hosts. Invariants: a tool that fails raises with its last words; nothing waits without a deadline.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence


class LabError(Exception):
    """The lab could not do what was asked; the message says what and why."""


def command(argv: Sequence[str], *, timeout_s: float = 60, stdin: str | None = None) -> str:
    """Run argv, return its stdout. Raises LabError when it is missing, fails or takes longer than timeout_s."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout_s, input=stdin, check=False)
    except FileNotFoundError as error:
        raise LabError(f"{argv[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{argv[0]} took longer than {timeout_s:.0f} s: {' '.join(argv)}") from error
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip()[-2000:]
        raise LabError(f"{' '.join(argv)} exited {done.returncode}: {words}")
    return done.stdout


def wait_until(condition: Callable[[], bool], what: str, *, timeout_s: float, every_s: float = 0.05) -> None:
    """Return when condition holds; raise LabError naming `what` when it does not within timeout_s."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise LabError(f"{what}: not within {timeout_s:.0f} s")
        time.sleep(every_s)
