"""What one run of a command takes: wall time, CPU time and the peak of resident memory, its children included."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Run:
    """One run. CPU seconds are user and system together; the memory is that of the largest process."""

    wall_s: float
    cpu_s: float
    peak_bytes: int


def measure(
    argv: Sequence[str | Path], *, cwd: Path | None = None, env: Mapping[str, str] | None = None, expected: int = 0
) -> Run:
    """Run a command to its end; another exit code than the expected one ends the benchmark."""
    with tempfile.TemporaryFile() as said:
        started = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in argv],
            cwd=cwd,
            env=dict(env) if env else None,
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != expected:
            said.seek(0)
            tail = said.read()[-600:].decode(errors="replace")
            raise SystemExit(f"{' '.join(map(str, argv))} exited with {process.returncode}: {tail}")
    return Run(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss << 10)
