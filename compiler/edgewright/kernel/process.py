"""Processes: run a tool with a bound on its time, and say clearly when it is missing.

Arguments are lists; no shell is ever started. Environment variables are passed on purpose, never by accident.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from edgewright.kernel.diagnostics import ExitCode, fail

DEBIAN_PACKAGES = {
    "ssh-keygen": "openssh-client",
    "git": "git",
    "qemu-aarch64-static": "qemu-user-static",
    "qemu-riscv64-static": "qemu-user-static",
    "qemu-x86_64-static": "qemu-user-static",
    "readelf": "binutils",
    "gcc": "gcc",
    "x86_64-linux-gnu-gcc": "gcc-x86-64-linux-gnu",
    "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu",
    "riscv64-linux-gnu-gcc": "gcc-riscv64-linux-gnu",
    f"{os.uname().machine}-linux-gnu-gcc": "gcc",  # this machine's own is no cross compiler
}


@dataclass(frozen=True, slots=True)
class Finished:
    """How a process ended. `timed_out` processes were killed with all their children."""

    returncode: int
    stdout: bytes
    stderr: bytes
    timed_out: bool


def find_tool(name: str, *, needed_for: str) -> str:
    """Path of a tool on PATH, or a `missing-tool` diagnostic that names what it is for and its Debian package."""
    path = shutil.which(name)
    if path is None:
        package = DEBIAN_PACKAGES.get(name)
        how = f"apt-get install {package}" if package else f"install {name}"
        raise fail(
            "missing-tool",
            f"{name} is missing; it is needed to {needed_for}",
            exit_code=ExitCode.MISSING,
            subject=name,
            hint=f"{how}, then run the command again",
        )
    return path


def run(
    argv: Sequence[str | Path],
    *,
    timeout_s: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    log: IO[bytes] | None = None,
) -> Finished:
    """Run a process in a session of its own and wait; after `timeout_s` the whole session is killed.

    With `log`, stdout and stderr go there and the result's are empty.
    """

    process = subprocess.Popen(
        [str(a) for a in argv],
        cwd=cwd,
        env=dict(env) if env is not None else None,
        stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
        stdout=log or subprocess.PIPE,
        stderr=log or subprocess.PIPE,
        start_new_session=True,
    )
    try:
        stdout, stderr = process.communicate(stdin, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        _kill_session(process)
        stdout, stderr = process.communicate()
        return Finished(process.returncode, stdout or b"", stderr or b"", timed_out=True)
    except BaseException:
        _kill_session(process)
        process.wait()
        raise
    return Finished(process.returncode, stdout or b"", stderr or b"", timed_out=False)


def _kill_session(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        process.kill()
