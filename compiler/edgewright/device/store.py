"""The store of verified blobs, and taking blobs into it.

Owns store/sha256. Must not know what a blob is for.

Invariants: a file in the store has the digest of its name; it got there by a rename after its bytes were hashed and
synced; a blob that is refused leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from edgewright.device.files import COPY_CHUNK_BYTES, disk_full_refused, remove_tree, require_space, sync_directory
from edgewright.device.layout import Layout
from edgewright.device.refusal import Refusal

MARGIN_BYTES = 16 * 2**20
"""Kept free for state.json, logs and the other users of the disk."""


def missing(layout: Layout, blobs: Mapping[str, int], *, deep: bool = False) -> dict[str, int]:
    """The blobs (size by digest) that are not in the store; with `deep` also those whose bytes were changed there."""
    absent = {digest: size for digest, size in sorted(blobs.items()) if not _stored(layout.blob(digest), size)}
    if deep:
        absent |= {digest: size for digest, size in blobs.items() if file_digest(layout.blob(digest)) != digest}
    return absent


def _stored(path: Path, size_bytes: int) -> bool:
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size == size_bytes


def arrived_bytes(layout: Layout, digest_hex: str) -> int:
    """How much of a blob was pushed to incoming already."""
    try:
        status = os.lstat(layout.incoming / "blobs" / digest_hex)
    except (FileNotFoundError, NotADirectoryError):
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


def discard(layout: Layout, blobs: Mapping[str, int]) -> None:
    """Remove what was pushed of blobs that are in the store by now."""
    for digest in blobs:
        remove_tree(layout.incoming / "blobs" / digest)


def _tampered(digest_hex: str, complaint: str) -> Refusal:
    return Refusal(
        "blob-tampered", f"blob sha256:{digest_hex} {complaint}", hint="it was removed from incoming; push it again"
    )


def take(layout: Layout, blobs: Mapping[str, int], *, deep: bool = False) -> list[str]:
    """Move the missing blobs from incoming/blobs into the store; returns their digests. `deep` as in `missing`.

    Refuses `blob-missing`, `blob-tampered`, `disk-full`. Blobs taken before a refusal stay: they are what they say."""
    wanted = missing(layout, blobs, deep=deep)
    source = layout.incoming / "blobs"
    for digest, size in wanted.items():
        if arrived_bytes(layout, digest) == 0 and size > 0:
            raise Refusal(
                "blob-missing", f"blob sha256:{digest} of {size} bytes is not in {source}", hint="push it, then stage"
            )
    if wanted and source.is_dir() and os.stat(source).st_dev != os.stat(layout.store).st_dev:
        require_space(layout.store, sum(wanted.values()) + MARGIN_BYTES, "copying the blobs")
    with disk_full_refused("storing a blob"):
        for digest, size in wanted.items():
            _take_one(source / digest, layout.blob(digest), digest, size)
        sync_directory(layout.store)
    return list(wanted)


def _take_one(source: Path, target: Path, digest_hex: str, size_bytes: int) -> None:
    try:
        descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise Refusal("blob-missing", f"blob sha256:{digest_hex} is not in {source.parent}", hint="push it") from None
    except OSError as error:
        raise _tampered(digest_hex, f"cannot be opened as a file: {error.strerror}") from None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
            raise _tampered(digest_hex, "is not a regular file with one name")
        if status.st_size != size_bytes:
            remove_tree(source)
            raise _tampered(digest_hex, f"has {status.st_size} bytes, the manifest says {size_bytes}")
        found = _digest(file.fileno(), size_bytes)
        if found != digest_hex:
            remove_tree(source)
            raise _tampered(digest_hex, f"has the content of sha256:{found}")
        os.fchmod(file.fileno(), 0o644)
        os.fsync(file.fileno())
        try:
            os.rename(source, target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            _copy(file.fileno(), target, digest_hex, size_bytes)
            remove_tree(source)


def file_digest(path: Path) -> str:
    """SHA-256 of a regular file as hex, "nothing" when there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return "nothing"
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        return "a link"
    try:
        return _digest(descriptor, os.fstat(descriptor).st_size)
    finally:
        os.close(descriptor)


def _digest(descriptor: int, size_bytes: int) -> str:
    digest = hashlib.sha256()
    offset = 0
    while offset <= size_bytes:
        chunk = os.pread(descriptor, COPY_CHUNK_BYTES, offset)
        if not chunk:
            break
        digest.update(chunk)
        offset += len(chunk)
    return digest.hexdigest() if offset == size_bytes else ""


def _copy(descriptor: int, target: Path, digest_hex: str, size_bytes: int) -> None:
    """Copy across file systems, hashing what is written rather than what was read before."""
    temporary = target.with_name(f".{target.name}.partial")
    digest = hashlib.sha256()
    try:
        with open(temporary, "wb") as output:
            offset = 0
            while offset < size_bytes:
                chunk = os.pread(descriptor, COPY_CHUNK_BYTES, offset)
                if not chunk:
                    break
                digest.update(chunk)
                output.write(chunk)
                offset += len(chunk)
            output.flush()
            os.fchmod(output.fileno(), 0o644)
            os.fsync(output.fileno())
        if digest.hexdigest() != digest_hex:
            raise _tampered(digest_hex, "changed while it was copied")
        os.replace(temporary, target)
    except (OSError, Refusal):
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
