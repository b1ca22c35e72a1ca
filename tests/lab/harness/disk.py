"""Owns: a host's disk: a sparse ext4 image that holds the overlay's upper layer, so it can fill up and lose power.

Must not know: the network, systemd. Invariants: the image is mounted only inside the host's private mount namespace, so
the mounts vanish with its processes; it is never mounted twice; a host's identity is on it from the first boot.
"""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path

from tests.lab.harness.command import LabError, command, wait_until

# FS_IOC_SHUTDOWN with NOLOGFLUSH (linux/fs.h, fs/ext4/ext4.h): drops what was not synced, as a power cut does.
SHUTDOWN_REQUEST = 0x8004587D
WITHOUT_LOG_FLUSH = struct.pack("I", 2)
BALLAST = "ballast"

MOUNT_AND_EXEC = """\
set -eu
image=$1 lower=$2 disk=$3 root=$4
shift 4
mount -o loop,discard "$image" "$disk"
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$disk/upper,workdir=$disk/work" "$root"
exec "$@"
"""


class Disk:
    """The disk of one host under `folder`, over the read-only tree `lower`."""

    def __init__(self, folder: Path, lower: Path, size_bytes: int) -> None:
        self._lower, self._size_bytes = lower, size_bytes
        self._image, self._mount, self.root = folder / "disk.img", folder / "disk", folder / "root"
        self._seed = folder / "seed"

    def format(self, files: dict[str, tuple[str, int]]) -> None:
        """Make it anew, holding `files` (path below / -> text, mode) over the lower layer."""
        for name, (text, mode) in files.items():
            path = self._seed / "upper" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(mode)
        for folder in (self._seed / "work", self._mount, self.root):
            folder.mkdir(parents=True, exist_ok=True)
        self._image.unlink(missing_ok=True)
        with self._image.open("wb") as image:
            image.truncate(self._size_bytes)
        command(["mkfs.ext4", "-q", "-m", "0", "-d", str(self._seed), str(self._image)])

    def exec_argv(self, argv: list[str]) -> list[str]:
        """A command that mounts the disk in a mount namespace of its own and becomes argv there."""
        wait_until(self._is_detached, f"{self._image} to be released", timeout_s=10)
        paths = [str(path) for path in (self._image, self._lower, self._mount, self.root)]
        return ["unshare", "--mount", "--propagation", "slave", "sh", "-c", MOUNT_AND_EXEC, "disk", *paths, *argv]

    def _is_detached(self) -> bool:
        return not command(["losetup", "--associated", str(self._image)]).strip()

    def seen_by(self, pid: int) -> Path:
        """The mounted disk as the process pid of its namespace sees it."""
        seen = Path(f"/proc/{pid}/root/{self._mount.relative_to('/')}")
        if not (seen / "upper").is_dir():
            raise LabError(f"{self._image} is not mounted")
        return seen

    def fill(self, pid: int, leave_bytes: int) -> None:
        """Take all free space but leave_bytes. The host sees a full disk; the image stays sparse."""
        disk = self.seen_by(pid)
        with (disk / BALLAST).open("ab") as ballast:
            step = 1 << 30
            while step >= 4096:
                free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize - leave_bytes
                if free < step:
                    step //= 2
                    continue
                try:
                    os.posix_fallocate(ballast.fileno(), ballast.seek(0, os.SEEK_END), step)
                except OSError:  # blocks that the file's own bookkeeping took in between
                    step //= 2
            ballast.flush()
            os.fsync(ballast.fileno())

    def empty(self, pid: int) -> None:
        """Give the space back."""
        (self.seen_by(pid) / BALLAST).unlink(missing_ok=True)

    def cut_power(self, pid: int) -> None:
        """From here on nothing reaches the image; what was not synced is lost."""
        descriptor = os.open(self.seen_by(pid), os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, SHUTDOWN_REQUEST, WITHOUT_LOG_FLUSH)
        finally:
            os.close(descriptor)
