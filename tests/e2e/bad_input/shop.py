"""A fleet repository with everything that a mistake could spoil: a lock, a signed release, a ledger, a device.

`Repository.refused` runs the real command line on it and proves what every bad input has in common: the documented exit
code, a diagnostic at its place, no traceback, and nothing changed by it.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

COMPILER = Path(__file__).resolve().parents[3] / "compiler"
PC, BOARD = "x86-64-v3", "raspberry-pi-4-4g"
LEDGER = ".edgewright/ledger.db"
LONGEST_S = 120
BLUEPRINT = f"""\
apiVersion: edgewright/v1alpha1
kind: Blueprint
metadata: {{name: demo, version: 1.0.0}}
spec:
  model:
    task: embeddings
    source: {{type: directory, path: model}}
    context: 64
  compression: {{inline: {{name: float32, method: float32}}}}
  builds:
    - {{backend: tvm, targets: [{PC}, {BOARD}]}}
  evaluation: {{dataset: data/questions.jsonl}}
  gates:
    - {{metric: cosine_mean, min: 0.99}}
  fleet: {{ref: shops}}
  rollout:
    waves: [100%]
    soak: 0s
    confirmTimeout: 60s
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code and what it said on stderr."""

    command: str
    exit_code: int
    stdout: str
    stderr: str


@dataclass
class Repository:
    """The repository at `root`, with a cache of its own; `variables` are added to the environment of every command."""

    root: Path
    cache: Path
    variables: dict[str, str] = field(default_factory=dict)
    python: str = sys.executable

    @property
    def blueprint(self) -> Path:
        return self.root / "blueprint.yaml"

    @property
    def dist(self) -> Path:
        return self.root / "dist" / "demo"

    def edit(self, old: str, new: str, *, file: str = "blueprint.yaml") -> None:
        """Replace a part of a document; it must be there once."""
        text = (self.root / file).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {file}"
        (self.root / file).write_text(text.replace(old, new), encoding="utf-8")

    def place(self, mark: str, *, file: str = "blueprint.yaml", nth: int = 1) -> str:
        """`file:line:column` of the nth occurrence of a text in a document."""
        text = (self.root / file).read_text(encoding="utf-8")
        at = -1
        for _ in range(nth):
            at = text.index(mark, at + 1)
        line = text.count("\n", 0, at) + 1
        return f"{self.root / file}:{line}:{at - text.rfind(chr(10), 0, at)}"

    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        return {
            **kept,
            "HOME": str(self.cache.parent),
            "EDGEWRIGHT_CACHE": str(self.cache),
            "PYTHONPATH": str(COMPILER),
            "PIP_CONFIG_FILE": "/dev/null",
            "PIP_NO_CACHE_DIR": "1",
            "PIP_RETRIES": "0",
            "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
            **self.variables,
        }

    def run(self, command: str, *arguments: str) -> Ended:
        """Run edgewright as a person would."""
        argv = [self.python, "-m", "edgewright.cli.main", command, str(self.root), *arguments]
        done = subprocess.run(
            argv, capture_output=True, text=True, env=self.environment(), timeout=LONGEST_S, check=False
        )
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        assert "error: bug" not in done.stderr, done.stderr
        return Ended(command, done.returncode, done.stdout, done.stderr)

    def succeed(self, command: str, *arguments: str) -> Ended:
        ended = self.run(command, *arguments)
        assert ended.exit_code == 0, ended.stderr
        return ended

    def refused(self, command: str, slug: str, place: str, *arguments: str, exit_code: int = 3) -> Ended:
        """Run a command that must end with a diagnostic of this slug at this place (a position, a host, a tool).

        The repository is the same before and after, and the cache has no temporary file.
        """
        before = snapshot(self.root)
        ended = self.run(command, *arguments)
        assert ended.exit_code == exit_code, ended
        said = re.search(rf"^error: {slug}  .*(?:\n(?!error: ).*)*", ended.stderr, re.MULTILINE)
        assert said is not None, ended.stderr
        assert place in said[0], ended.stderr
        after = snapshot(self.root)
        assert {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} == set()
        assert leftovers(self.cache) == []
        return ended


def snapshot(root: Path) -> Mapping[str, object]:
    """All files below a folder with mode and content; of the ledger its rows (opening it touches the file)."""
    found: dict[str, object] = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_file() and not name.startswith(LEDGER):
            found[name] = (path.stat().st_mode, path.read_bytes())
    if (root / LEDGER).exists():
        with closing(sqlite3.connect(root / LEDGER)) as database:
            found[LEDGER] = list(database.iterdump())
    return found


def leftovers(cache: Path) -> Sequence[str]:
    """What a command that was refused must not leave: half-made folders and files, crash reports."""
    scratch = [*cache.glob("scratch/*"), *cache.glob("crashes/*"), *cache.rglob(".new-*"), *cache.rglob(".download-*")]
    return [str(path) for path in scratch]


def write_fleet(root: Path, *, device: Path, port: int, python: str, target: str = PC) -> None:
    """One device, a folder of this machine."""
    entry: dict[str, Any] = {
        "name": "counter",
        "target": target,
        "connection": {"type": "local", "python": python},
        "root": str(device),
        "port": port,
        "supervisor": "process",
    }
    fleet = {
        "apiVersion": "edgewright/v1alpha1",
        "kind": "Fleet",
        "metadata": {"name": "shops"},
        "spec": {"devices": [entry]},
    }
    (root / "fleet.yaml").write_text(yaml.safe_dump(fleet, sort_keys=False))


def path_without(folder: Path, *missing: str) -> str:
    """A PATH with every program of this one but some; names that end in `*` are prefixes."""
    folder.mkdir()
    for part in reversed(os.environ["PATH"].split(os.pathsep)):
        for program in Path(part).iterdir() if Path(part).is_dir() else ():
            if not any(program.name == m or (m.endswith("*") and program.name.startswith(m[:-1])) for m in missing):
                (folder / program.name).unlink(missing_ok=True)
                (folder / program.name).symlink_to(program)
    for name in missing:
        assert name.endswith("*") or shutil.which(name, path=str(folder)) is None
    return str(folder)
