"""Owns: the record of labs under /run, and removing a lab by that record alone.

Must not know: hosts' insides. Invariants: removal needs no object of the process that made the lab, is idempotent, and
touches only names that begin with the recorded one; a lab whose owner lives is never taken for an orphan (process id
and its start time are compared, since ids are used again).
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from tests.lab.harness import network
from tests.lab.harness.cgroup import Group

RECORDS = Path("/run/edgewright-lab")


def record(name: str, path: Path) -> None:
    """Remember that this process owns the lab."""
    RECORDS.mkdir(exist_ok=True)
    owner = os.getpid()
    (RECORDS / f"{name}.json").write_text(json.dumps({"path": str(path), "owner": owner, "started": _started(owner)}))


def recorded() -> dict[str, Path]:
    """Folders of all labs by name."""
    files = sorted(RECORDS.glob(f"{network.PREFIX}*.json"))
    return {file.stem: Path(json.loads(file.read_text())["path"]) for file in files}


def remove(name: str, path: Path) -> None:
    """Remove the lab: processes, network, control groups, folder, record."""
    group = Group(name)
    group.kill()
    network.remove(name)
    group.remove()
    shutil.rmtree(path, ignore_errors=True)
    (RECORDS / f"{name}.json").unlink(missing_ok=True)


def remove_orphans() -> list[str]:
    """Remove the labs whose owner died without removing them; their names."""
    gone = []
    for file in sorted(RECORDS.glob(f"{network.PREFIX}*.json")):
        entry = json.loads(file.read_text())
        if _started(entry["owner"]) != entry["started"]:
            remove(file.stem, Path(entry["path"]))
            gone.append(file.stem)
    return gone


def _started(pid: int) -> str | None:
    """When the process started, in clock ticks since boot (field 22 of proc(5) stat); None when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return None
