"""Starts the measured process (`child`) and reads its answer.

Owns the process: its bound on time, its threads, its death. A process killed by a signal is an answer too: an artifact
that uses instructions this CPU lacks cannot be measured here. Standard library only; staged beside the workers.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import edgewright.plugins.worker as staged_module
from edgewright.plugins.worker import WorkerError

_START = "import sys; sys.path.insert(0, {root!r}); from edgewright.metrics.child import main; main()"


class NotMeasurableError(Exception):
    """The artifact cannot run on this machine; the message says why. Not a fault of the artifact."""


def probe(request: Mapping[str, Any], *, timeout_s: float) -> dict[str, Any]:
    """Run the request in a process of its own; refuses what the runtime refuses, as `WorkerError`."""
    root = str(Path(staged_module.__file__).resolve().parents[2])
    threads = str(request["threads"])
    environment = {**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
    with tempfile.TemporaryDirectory(prefix="probe-") as folder:
        asked, answered = Path(folder, "request.json"), Path(folder, "answer.json")
        asked.write_text(json.dumps(request), encoding="utf-8")
        argv = [sys.executable, "-s", "-E", "-c", _START.format(root=root), str(asked), str(answered)]
        try:
            finished = subprocess.run(argv, env=environment, cwd=folder, timeout=timeout_s, check=False)
        except subprocess.TimeoutExpired:
            raise WorkerError(
                "artifact-too-slow",
                f"the artifact did not finish its runs in {timeout_s:g} s",
                hint="choose a smaller model",
            ) from None
        if finished.returncode == -signal.SIGILL:
            raise NotMeasurableError("the artifact uses instructions that this machine's CPU does not have")
        if finished.returncode != 0 or not answered.is_file():
            raise WorkerError("artifact-crashed", f"the artifact's process ended with status {finished.returncode}")
        answer: dict[str, Any] = json.loads(answered.read_text(encoding="utf-8"))
    if not answer["ok"]:
        error = answer["error"]
        raise WorkerError(error["slug"], error["message"], hint=error["hint"])
    return answer
