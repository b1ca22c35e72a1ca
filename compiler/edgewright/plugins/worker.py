"""What runs inside a worker process: read the request, run one step, write the response.

A worker is a plain Python file run by the interpreter of its own pinned environment. It knows nothing of the
compiler: it gets one request file and writes one response file, and everything it prints goes to the log of its
step. This module is staged beside the worker and so imports the standard library only.

Invariants: a response is written once, by an atomic rename; a foreign exception never crosses the border as such,
it becomes a `worker-crashed` failure whose traceback is in the log.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

Facts = dict[str, Any]
"""What a step tells about its output: JSON values, stored with the action's result."""


class WorkerError(Exception):
    """A step refuses its input, and can say why. `slug` names the rule, `hint` the way out."""

    def __init__(self, slug: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.slug = slug
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Request:
    """One step to run.

    `options` are JSON values; `inputs` are folders or files to read and never to write; `output` is an empty folder
    that becomes the result, whole, if the step returns; `threads` is how many the step may use; `memory_bytes` caps
    its private memory.
    """

    step: str
    options: Mapping[str, Any]
    inputs: Mapping[str, Path]
    output: Path
    threads: int
    memory_bytes: int


Step = Callable[[Request], Facts]


def read_request(path: Path) -> Request:
    """Read a request file; its shape is written by `plugins.processes`, so a surprise here is a bug."""
    document = json.loads(path.read_text(encoding="utf-8"))
    return Request(
        step=document["step"],
        options=document["options"],
        inputs={name: Path(value) for name, value in document["inputs"].items()},
        output=Path(document["output"]),
        threads=int(document["threads"]),
        memory_bytes=int(document["memory_bytes"]),
    )


def _write_response(path: Path, response: Mapping[str, Any]) -> None:
    temporary = path.with_suffix(".partial")
    temporary.write_text(json.dumps(response, sort_keys=True), encoding="utf-8")
    temporary.replace(path)


def run(steps: Mapping[str, Step], arguments: list[str] | None = None) -> NoReturn:
    """Entry of every worker: `python worker.py REQUEST RESPONSE`. Exit 0 when a response was written."""
    request_path, response_path = (Path(a) for a in (arguments or sys.argv[1:3]))
    request = read_request(request_path)
    os.environ.setdefault("OMP_NUM_THREADS", str(request.threads))
    resource.setrlimit(resource.RLIMIT_DATA, (request.memory_bytes, request.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        facts = steps[request.step](request)
    except WorkerError as refusal:
        error = {"slug": refusal.slug, "message": refusal.message, "hint": refusal.hint}
        _write_response(response_path, {"ok": False, "error": error})
    except Exception as crash:  # the worker's shell is the one place that may catch everything
        traceback.print_exc()
        headline = f"{type(crash).__name__}: {str(crash)[:500]}"
        error = {"slug": "worker-crashed", "message": headline, "hint": None}
        _write_response(response_path, {"ok": False, "error": error})
    else:
        _write_response(response_path, {"ok": True, "facts": facts})
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # frameworks crash in their destructors; the response is already on disk
