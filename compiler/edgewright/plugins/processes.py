"""Runs a worker step in a process of its own: stages its sources, writes the request, reads the response.

Owns the scratch folder of a step and what becomes of it. Knows nothing of what a step does. Invariants: the output
folder is whole or the step has failed; a worker's crash, time-out or refusal ends as one diagnostic with its log.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgewright.kernel import process
from edgewright.kernel.diagnostics import ExitCode, fail
from edgewright.kernel.events import EventSink
from edgewright.kernel.files import read_bounded, remove_tree
from edgewright.kernel.resources import cache_folder
from edgewright.plugins import environments
from edgewright.plugins.identity import staged_sources
from edgewright.plugins.protocols import WorkerStep

_RESPONSE_LIMIT_BYTES = 8 << 20
_LOG_TAIL_LINES = 12
_PASSED_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE")


def run_step(
    step: WorkerStep, inputs: Mapping[str, Path], output: Path, *, subject: str, threads: int, events: EventSink
) -> dict[str, Any]:
    """Run one step; fills `output` (an empty folder) and returns the worker's facts. Raises EdgewrightError."""
    python = environments.ensure(step.environment, events)
    scratch_root = cache_folder() / "scratch"
    scratch_root.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=step.step + "-", dir=scratch_root))
    try:
        response = _run_in(scratch, python, step, inputs, output, threads)
        if response.get("ok") is True:
            facts: dict[str, Any] = response["facts"]
            return facts
        log = _keep_log(scratch / "log.txt", step.step)
        error = response["error"]
        raise fail(
            str(error["slug"]),
            f"{subject}: {error['message']}",
            subject=subject,
            notes=(*_log_tail(log, response), f"log: {log}"),
            hint=error.get("hint"),
            exit_code=ExitCode.MISSING if error["slug"] == "missing-tool" else ExitCode.DOCUMENTS,
        )
    finally:
        remove_tree(scratch)


def _run_in(
    scratch: Path, python: Path, step: WorkerStep, inputs: Mapping[str, Path], output: Path, threads: int
) -> dict[str, Any]:
    source = scratch / "source"
    for name, path in staged_sources(step.packages).items():
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    work = scratch / "work"
    work.mkdir()
    request = {
        "step": step.step,
        "options": dict(step.options),
        "inputs": {name: str(path) for name, path in inputs.items()},
        "output": str(output),
        "threads": threads,
        "memory_bytes": step.memory_bytes,
    }
    (scratch / "request.json").write_text(json.dumps(request, sort_keys=True), encoding="utf-8")
    bootstrap = (
        "import runpy,sys; sys.path.insert(0, sys.argv.pop(1)); runpy.run_module(sys.argv.pop(1), run_name='__main__')"
    )
    argv: list[str | Path] = [
        python,
        "-s",
        "-E",
        "-c",
        bootstrap,
        source,
        step.module,
        scratch / "request.json",
        scratch / "response.json",
    ]
    with (scratch / "log.txt").open("wb") as log:
        finished = process.run(argv, timeout_s=step.timeout_s, cwd=work, env=_environment(threads, scratch), log=log)
    try:
        response: dict[str, Any] = json.loads(read_bounded(scratch / "response.json", _RESPONSE_LIMIT_BYTES))
        return response
    except FileNotFoundError:
        if finished.timed_out:
            message = f"{step.step} did not finish in {step.timeout_s:g} s and was ended"
        else:
            message = f"{step.step} ended with status {finished.returncode} and no answer"
        return {"ok": False, "error": {"slug": "worker-crashed", "message": message, "hint": None}}


def _environment(threads: int, scratch: Path) -> dict[str, str]:
    passed = {name: os.environ[name] for name in _PASSED_VARIABLES if name in os.environ}
    return passed | {
        "HOME": str(scratch),  # nothing a framework writes to its home outlives the step
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": str(threads),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "TOKENIZERS_PARALLELISM": "false",
    }


def _keep_log(log: Path, step: str) -> Path:
    kept = cache_folder() / "logs"
    kept.mkdir(parents=True, exist_ok=True)
    target = kept / f"{step}-{log.parent.name[-8:]}.log"
    log.replace(target)
    return target


def _log_tail(log: Path, response: Mapping[str, Any]) -> tuple[str, ...]:
    if response["error"]["slug"] != "worker-crashed":
        return ()  # a refusal explains itself
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - 8192))
        lines = stream.read().decode("utf-8", "replace").splitlines()
    return tuple(line[:200] for line in lines[-_LOG_TAIL_LINES:] if line.strip())
