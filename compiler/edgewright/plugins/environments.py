"""Pinned environments of the workers: made on demand, kept in the cache under the digest of their pins.

Owns the folders made from the pins. An environment is complete or absent: it is built under another name and renamed
when its smoke import has passed. The interpreter that runs edgewright itself is used instead when it already has every
pinned version.
"""

from __future__ import annotations

import importlib.metadata
import os
import sys
import time
from pathlib import Path

from filelock import FileLock

from edgewright.kernel import process
from edgewright.kernel.diagnostics import ExitCode, fail
from edgewright.kernel.events import Event, EventSink
from edgewright.kernel.files import remove_tree
from edgewright.kernel.resources import cache_folder
from edgewright.plugins.identity import environment_fingerprint, pins, pins_file

_SMOKE_IMPORTS = {
    "onnx": "import torch, transformers, optimum, onnx, onnxruntime",
    "genai": "import torch, transformers, onnxruntime_genai",
    "tvm": "import onnx, tvm",
}
_INSTALL_TIMEOUT_S = 1800.0


def _current_satisfies(name: str) -> bool:
    for package, version in pins(name).items():
        try:
            installed = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            return False
        if installed.partition("+")[0] != version:
            return False
    return True


def ensure(name: str, events: EventSink) -> Path:
    """Path of the environment's interpreter; makes the environment first if it is absent, telling so by events."""
    if _current_satisfies(name):
        return Path(sys.executable)
    root = cache_folder() / "environments"
    folder = root / f"{name}-{environment_fingerprint(name)[7:19]}"
    python = folder / "bin" / "python"
    if python.exists():
        return python
    root.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not python.exists():
            _make(name, folder, events)
    return python


def _make(name: str, folder: Path, events: EventSink) -> None:
    started = time.monotonic()
    events(Event("build", f"environment {name}", "start", f"{len(pins(name))} pinned packages, once per machine"))
    # a virtual environment cannot be moved, so completeness is told by a link made last
    content = folder.with_name(folder.name + ".content")
    remove_tree(content)
    log_path = folder.with_name(folder.name + ".log")
    with log_path.open("wb") as log:
        commands: tuple[list[str | Path], ...] = (
            [sys.executable, "-m", "venv", content],
            # --no-deps: the pins are the whole closure, and torch's declared CUDA packages are not wanted
            [content / "bin" / "python", "-m", "pip", "install", "--no-deps", "--no-input", "-r", pins_file(name)],
            [content / "bin" / "python", "-c", _SMOKE_IMPORTS[name]],
        )
        for command in commands:
            finished = process.run(command, timeout_s=_INSTALL_TIMEOUT_S, env=_environment(), log=log)
            if finished.returncode != 0:
                remove_tree(content)
                events(Event("build", f"environment {name}", "failed"))
                raise fail(
                    "environment-failed",
                    f"the environment {name!r} could not be made: {Path(str(command[0])).name} exited with "
                    f"{finished.returncode}",
                    exit_code=ExitCode.MISSING,
                    subject=name,
                    notes=(f"log: {log_path}",),
                    hint="check that pip reaches your package index, and that it serves a CPU build of torch "
                    "(PIP_EXTRA_INDEX_URL or PIP_FIND_LINKS)",
                )
    folder.symlink_to(content.name)
    seconds = time.monotonic() - started
    events(Event("build", f"environment {name}", "done", seconds=seconds))


def _environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    kept["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    return kept


def describe(name: str) -> str:
    """One line for `doctor`: where the environment is, or that it will be made."""
    folder = cache_folder() / "environments" / f"{name}-{environment_fingerprint(name)[7:19]}"
    if _current_satisfies(name):
        return f"{name}: this interpreter"
    return f"{name}: {folder}" if (folder / "bin" / "python").exists() else f"{name}: made when first needed"
