"""Owns: telling the kernel to run another architecture's programs through qemu-user.

Must not know: hosts. Invariants: idempotent; a rule that is there is used, never replaced; the rule stays afterwards,
exactly as installing qemu-user-static on a Debian that booted systemd leaves it.
"""

from __future__ import annotations

from pathlib import Path

from tests.lab.harness.command import LabError, command

FOLDER = Path("/proc/sys/fs/binfmt_misc")
QEMU_NAMES = {"arm64": "aarch64"}


def ensure(architecture: str) -> None:
    """Make programs of `architecture` (Debian's word) run on this machine. Raises LabError."""
    name = QEMU_NAMES.get(architecture)
    if name is None:
        raise LabError(f"architecture {architecture} has no lab host: known are amd64, {', '.join(QEMU_NAMES)}")
    if not (FOLDER / "register").exists():
        command(["mount", "-t", "binfmt_misc", "binfmt_misc", str(FOLDER)])
    rule = FOLDER / f"qemu-{name}"
    if not rule.exists():
        source = Path(f"/usr/lib/binfmt.d/qemu-{name}.conf")
        if not source.exists():
            raise LabError(f"{source} is absent: install qemu-user-static")
        line = next(line for line in source.read_text().splitlines() if line.startswith(":"))
        (FOLDER / "register").write_text(line)
    flags = next(line for line in rule.read_text().splitlines() if line.startswith("flags:"))
    if "F" not in flags:
        raise LabError(f"{rule} has {flags}: without F the interpreter is not found inside another root")
