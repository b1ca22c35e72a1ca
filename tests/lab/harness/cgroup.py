"""Owns: the control group that holds every process of a lab, one child a host, in every hierarchy there is.

Must not know: what runs in them. Invariants: a group is made here before anything runs in it, so every process found in
it is the lab's own; that is what makes killing all of them safe. cgroup v1, hybrid and v2 layouts.
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

from tests.lab.harness.command import wait_until

# A process cannot join a v1 cpuset before that was given CPUs and memory nodes; hosts need none of their own.
LEFT_ALONE = frozenset({"cpuset"})


def hierarchies() -> dict[str, Path]:
    """Mount points by controller names ("unified" for v2)."""
    found: dict[str, Path] = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, after = line.split(" - ", 1)
        mount_point, kind = before.split()[4], after.split()[0]
        if kind == "cgroup2":
            found["unified"] = Path(mount_point)
        elif kind == "cgroup" and Path(mount_point).name not in LEFT_ALONE:
            found[Path(mount_point).name] = Path(mount_point)
    return found


class Group:
    """The control group `name` ("lab" or "lab/host") in all hierarchies."""

    def __init__(self, name: str) -> None:
        self.folders = {controller: mount / name for controller, mount in hierarchies().items()}

    def make(self, memory_bytes: int | None = None) -> None:
        """Create it; limit its memory when asked."""
        for controller, folder in self.folders.items():
            folder.mkdir(parents=True, exist_ok=True)
            if controller == "unified":
                _delegate(folder.parent)
        if memory_bytes is not None:
            v1, v2 = self.folders.get("memory"), self.folders.get("unified")
            limit = v1 / "memory.limit_in_bytes" if v1 else (v2 / "memory.max" if v2 else None)
            if limit is not None:
                limit.write_text(str(memory_bytes))

    def join_files(self) -> list[str]:
        """Files that take a process id."""
        return [str(folder / "cgroup.procs") for folder in self.folders.values()]

    def members(self) -> set[int]:
        """Process ids in the group and below it."""
        found: set[int] = set()
        for folder in self.folders.values():
            for child, _, _ in os.walk(folder):  # not rglob: the host removes children meanwhile, and walk takes that
                with contextlib.suppress(OSError):
                    found.update(int(line) for line in Path(child, "cgroup.procs").read_text().split())
        return found

    def freeze(self, frozen: bool) -> None:
        """Stop the clock of every process in it, or let them go on."""
        v1, v2 = self.folders.get("freezer"), self.folders.get("unified")
        if v1 is not None and (v1 / "freezer.state").exists():
            (v1 / "freezer.state").write_text("FROZEN" if frozen else "THAWED")
        elif v2 is not None and (v2 / "cgroup.freeze").exists():
            (v2 / "cgroup.freeze").write_text("1" if frozen else "0")

    def kill(self) -> None:
        """SIGKILL until nobody is left."""
        self.freeze(False)

        def nobody_left() -> bool:
            members = self.members()
            for pid in members:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return not members

        wait_until(nobody_left, f"processes of {next(iter(self.folders.values())).name} to die", timeout_s=20)

    def remove(self) -> None:
        """Remove it and its children. Call it only when empty."""
        for folder in self.folders.values():
            for child, _, _ in os.walk(folder, topdown=False):
                Path(child).rmdir()


def _delegate(parent: Path) -> None:
    """Let children of a v2 group be limited. A controller that v1 holds, or that is not compiled in, stays off."""
    for controller in ("memory", "pids", "cpu"):
        with contextlib.suppress(OSError):
            (parent / "cgroup.subtree_control").write_text(f"+{controller}")
