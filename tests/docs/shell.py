"""Runs the commands of a page in one shell, in a folder of its own, and keeps what each printed and its status."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.docs.pages import Page

from edgewright.kernel.resources import cache_folder

_ROOT = Path(__file__).parents[2]
_MARK = "\x1eedgewright-docs"
_TIMEOUT_S = 1500
_CLEANING_TIMEOUT_S = 120


@dataclass(frozen=True, slots=True)
class Ran:
    """What one command did."""

    printed: str
    exit_code: int


def run_page(page: Page, folder: Path) -> list[Ran]:
    """Run every command, in order, as an ordinary user's shell would; stdout and stderr together."""
    script = [f"printf '%s %s\\n' '{_MARK}' 0"]
    for command in page.commands:
        script += [f"{{ {command.text}\n}}", f"printf '\\n%s %s\\n' '{_MARK}' $?"]
    home = folder / "home"
    home.mkdir()
    work = folder / "work"
    work.mkdir()
    try:
        output = _bash("\n".join(script), work, _environment(home), _TIMEOUT_S)
    finally:
        # in a shell of its own, so that neither a `cd` of the page nor its end by a signal keeps anything alive
        _bash(page.cleaning, work, _environment(home), _CLEANING_TIMEOUT_S)
    _, *parts = output.split(f"{_MARK} ")
    codes, printed = zip(*(part.split("\n", 1) for part in parts), strict=True)
    return [Ran(text, int(code)) for text, code in zip(printed, codes[1:], strict=False)]


def _bash(script: str, folder: Path, environment: dict[str, str], timeout_s: float) -> str:
    with subprocess.Popen(
        ["bash", "-c", script],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=timeout_s)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    return output.decode("utf-8", errors="replace")


def _environment(home: Path) -> dict[str, str]:
    git = {
        "GIT_AUTHOR_NAME": "A Reader",
        "GIT_AUTHOR_EMAIL": "reader@shops.example",
        "GIT_COMMITTER_NAME": "A Reader",
        "GIT_COMMITTER_EMAIL": "reader@shops.example",
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "COLUMNS": "120",
        "NO_COLOR": "1",
        "EDGEWRIGHT_CACHE": str(cache_folder()),
        "STAGE": f"{sys.executable} -m tests.docs.stage",
        "PYTHONPATH": f"{_ROOT / 'compiler'}:{_ROOT}",
        **{name: value for name, value in os.environ.items() if name.startswith("PIP_")},
        **git,
    }
