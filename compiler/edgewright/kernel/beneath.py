"""Files below a folder, reached one part of the path at a time without following a link: nothing outside is touched.

Owns reading and replacing such a file. Invariant: a link put in the way at any moment makes the call fail, and nothing
is written elsewhere.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from edgewright.kernel.diagnostics import fail
from edgewright.kernel.files import is_safe_relative
from edgewright.kernel.units import format_size


def read_beneath(root: Path, name: str, limit_bytes: int) -> bytes:
    """Read a regular file of at most `limit_bytes`; `name` is relative to the folder."""
    with _folder_of(root, name) as (folder, last):
        descriptor = os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        with os.fdopen(descriptor, "rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > limit_bytes:
                size = format_size(status.st_size)
                message = f"{name} is not a regular file of at most {format_size(limit_bytes)}, it has {size}"
                raise fail("not-a-file", message, subject=name)
            return stream.read(limit_bytes + 1)


def replace_beneath(root: Path, name: str, data: bytes) -> None:
    """Replace a regular file whole or not at all: temporary file, fsync, rename; its mode is kept."""
    with _folder_of(root, name) as (folder, last):
        status = os.stat(last, dir_fd=folder, follow_symlinks=False)
        if not stat.S_ISREG(status.st_mode):
            raise fail("not-a-file", f"{name} is not a regular file", subject=name)
        temporary = f".{last}.{secrets.token_hex(8)}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        try:
            with os.fdopen(os.open(temporary, flags, 0o600, dir_fd=folder), "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fchmod(stream.fileno(), stat.S_IMODE(status.st_mode))
                os.fsync(stream.fileno())
            os.rename(temporary, last, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=folder)
            raise


_NOT_THERE = frozenset({errno.ELOOP, errno.ENOTDIR, errno.ENOENT})


@contextmanager
def _folder_of(root: Path, name: str) -> Iterator[tuple[int, str]]:
    """A descriptor of the folder that holds a file, and the file's own name."""
    if not is_safe_relative(name):
        raise fail("not-a-file", f"{name!r} is not a path below {root}", subject=name)
    *folders, last = name.split("/")
    flags = os.O_RDONLY | os.O_DIRECTORY
    descriptor = os.open(root, flags)
    try:
        for folder in folders:
            inner = os.open(folder, flags | os.O_NOFOLLOW, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        yield descriptor, last
    except OSError as error:
        if error.errno not in _NOT_THERE:
            raise
        message = f"{name} is a link, behind one, or gone; it was a file when it was read"
        raise fail("symlink", message, subject=name, hint="replace the link by what it points to") from error
    finally:
        os.close(descriptor)
