"""Changing the disk so that a crash at any moment leaves the old state or the new one.

Owns: atomic writes, atomic symlinks, directory syncs, the lock, free space, removal of trees. Must not know releases.

Invariants: whatever another process may read under its final name was synced before it got that name; the directory
is synced after. `ENOSPC` becomes the refusal `disk-full` in one place (`disk_full_refused`).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import select
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from edgewright.device.refusal import Refusal

FULL = (errno.ENOSPC, errno.EDQUOT)
COPY_CHUNK_BYTES = 1 << 20


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomic(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write-temp, fsync, rename, fsync directory. The temporary file is gone if any step fails."""
    temporary = path.with_name(f".{path.name}.partial")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    sync_directory(path.parent)


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a JSON object atomically."""
    write_atomic(path, (json.dumps(document, indent=1, sort_keys=True) + "\n").encode("utf-8"))


def replace_symlink(link: Path, target: str) -> None:
    """Point `link` at `target` by one rename: a reader sees the old target or the new one."""
    temporary = link.with_name(f".{link.name}.partial")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)
    os.symlink(target, temporary)
    os.replace(temporary, link)
    sync_directory(link.parent)


def remove_symlink(link: Path) -> None:
    """Remove a link, if it is there, for good."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(link)
    sync_directory(link.parent)


def sync_tree(root: Path) -> None:
    """Sync every file and directory below `root`, deepest first, then `root`."""
    for folder, _, names in os.walk(root, topdown=False):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.islink(path):
                continue
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        sync_directory(Path(folder))


def remove_tree(path: Path) -> None:
    """Remove a folder or a file, whichever it is; a link is removed, not followed. Absent is fine."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


def free_bytes(path: Path) -> int:
    """Bytes an unprivileged writer may still use on the file system of `path`."""
    status = os.statvfs(path)
    return status.f_bavail * status.f_frsize


def require_space(path: Path, needed_bytes: int, what: str) -> None:
    """Refuse `disk-full` before the first byte is written."""
    free = free_bytes(path)
    if free < needed_bytes:
        raise Refusal(
            "disk-full",
            f"{what} needs {needed_bytes} bytes, {free} are free in {path}",
            hint="free some disk, or run gc --drop-previous",
        )


@contextlib.contextmanager
def disk_full_refused(what: str) -> Iterator[None]:
    """Turn `ENOSPC` and `EDQUOT` into the refusal `disk-full`."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise Refusal(
                "disk-full",
                f"{what} met a full disk: {error.strerror}",
                hint="free some disk, or run gc --drop-previous; nothing was changed",
            ) from error
        raise


@contextlib.contextmanager
def locked(path: Path, wait_s: float) -> Iterator[None]:
    """Hold the lock file: two agent runs never interleave. Refuses `busy` after `wait_s`."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        _take_lock(descriptor, time.monotonic() + wait_s, wait_s)
        yield
    finally:
        os.close(descriptor)


def _take_lock(descriptor: int, deadline: float, wait_s: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise Refusal(
                    "busy", f"another agent run holds the lock since more than {wait_s:g} s", hint="try again later"
                ) from None
            select.select([], [], [], 0.05)  # flock has no wait with a deadline
