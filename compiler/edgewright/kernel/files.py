"""Files: bounded reads, atomic writes, safe relative names.

Invariants: nothing is read before its size is known to be in bounds; a file that others read appears whole or not at
all.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from edgewright.kernel.diagnostics import fail
from edgewright.kernel.units import format_size


def read_bounded(path: Path, limit_bytes: int, *, slug: str = "file-too-large") -> bytes:
    """Read a regular file of at most `limit_bytes`; a larger one, or a pipe or device, is refused unread."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe without a writer makes nobody wait
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise fail("not-a-file", f"{path} is not a regular file", subject=str(path))
    with os.fdopen(descriptor, "rb") as stream:
        if status.st_size > limit_bytes:
            raise fail(
                slug,
                f"{path} has {format_size(status.st_size)}, at most {format_size(limit_bytes)} are read",
                subject=str(path),
            )
        return stream.read(limit_bytes + 1)


def write_atomic(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write a file whole or not at all: temporary file, fsync, rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        Path(name).replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(name).unlink()
        raise


def write_output(path: Path, data: bytes) -> None:
    """Write what a person asked for where they pointed: a file, or a link, is replaced whole or not at all.

    Into a pipe or a terminal, and into what `/dev/stdout` stands for, it is written: a rename would put a file there.
    """
    mode = path.stat().st_mode if path.exists() else 0
    is_place = not path.is_symlink() or path.parent == Path("/dev")  # other links may be of a stranger's repository
    if is_place and (stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)):
        with path.open("wb") as stream:
            stream.write(data)
        return
    write_atomic(path, data)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Fill a temporary folder beside `path`, then swap it in for whatever was there; on an error nothing changes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    staging.chmod(0o755)
    old = staging.with_name(staging.name + ".old")
    try:
        yield staging
        if path.exists() or path.is_symlink():
            path.rename(old)
        staging.rename(path)
    except BaseException:
        if old.exists() and not path.exists():
            old.rename(path)
        remove_tree(staging)
        raise
    remove_tree(old)


def remove_tree(path: Path) -> None:
    """Remove a folder and all in it, read-only folders too; absent is fine."""
    if not path.exists():
        return
    for folder, _, _ in os.walk(path):
        with suppress(OSError):
            Path(folder).chmod(0o755)
    shutil.rmtree(path)


def link_or_copy(source: Path, target: Path) -> None:
    """Make `target` the same bytes as `source`: a hard link where the file system allows it, else a copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def is_safe_relative(name: str) -> bool:
    """Tell whether a name stays inside the folder it is joined to: relative, no `..`, no empty part, no NUL."""
    if not name or "\0" in name or "\\" in name or name.startswith("/") or len(name) > 1024:
        return False
    return all(part not in {"", ".", ".."} for part in name.split("/")) and str(PurePosixPath(name)) == name


def iter_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every regular file below a folder as (relative POSIX name, path), sorted; links and devices are refused."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            raise fail(
                "not-a-file",
                f"{path} is a link or a device; only regular files are read",
                subject=str(path),
                hint="replace the link by the file it points to",
            )
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path
