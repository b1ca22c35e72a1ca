"""Deposits: files written into a source's output folder, each held to its locked size and digest.

Owns the writing and the sizes that a source may bring in. Must not know where the bytes come from. Invariants: a name
never leaves the folder; a file that is not what was locked is not left behind; no more bytes are written than locked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from edgewright.kernel.diagnostics import EdgewrightError, ExitCode, fail
from edgewright.kernel.files import is_safe_relative
from edgewright.kernel.units import format_size
from edgewright.plugins.protocols import FileDigest
from edgewright.plugins.wheels import digest_mismatch

_CHUNK_BYTES = 1 << 20
_NARROWER = "name a folder that holds the model alone, or its weights with spec.model.source.file"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a source may bring in. Small language models fit many times over; a bomb does not."""

    files: int = 10_000
    total_bytes: int = 32 * 2**30

    def check(self, files: int, total_bytes: int, subject: str) -> None:
        """Refuse more files or bytes than allowed, with `source-too-large`."""
        if files > self.files:
            message = f"{subject} has {files} files, at most {self.files} are taken"
            raise fail("source-too-large", message, subject=subject, hint=_NARROWER)
        if total_bytes > self.total_bytes:
            found, allowed = format_size(total_bytes), format_size(self.total_bytes)
            message = f"{subject} has {found} of files, at most {allowed} are taken"
            raise fail("source-too-large", message, subject=subject, hint=_NARROWER)


LIMITS = Limits()


def chunks(stream: BinaryIO) -> Iterator[bytes]:
    """The rest of a stream in pieces of bounded size."""
    while chunk := stream.read(_CHUNK_BYTES):
        yield chunk


def measure(name: str, stream: BinaryIO) -> FileDigest:
    """Digest and size of a stream, read to its end."""
    state, size = hashlib.sha256(), 0
    for chunk in chunks(stream):
        state.update(chunk)
        size += len(chunk)
    return FileDigest(name, "sha256:" + state.hexdigest(), size)


def deposit(stream: BinaryIO, locked: FileDigest, folder: Path, *, origin: str) -> None:
    """Write a stream as the locked file below `folder`; content that differs is `digest-mismatch`, and removed."""
    if not is_safe_relative(locked.name):
        raise unsafe_name(locked.name)
    target = folder / locked.name
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with target.open("xb") as out:
            _copy(stream, out, locked, origin)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _copy(stream: BinaryIO, out: BinaryIO, locked: FileDigest, origin: str) -> None:
    state, size = hashlib.sha256(), 0
    for chunk in chunks(stream):
        size += len(chunk)
        if size > locked.size:
            break
        state.update(chunk)
        out.write(chunk)
    subject = f"{locked.name} of {origin}"
    if size != locked.size:
        amount = f"more than {locked.size}" if size > locked.size else str(size)
        raise digest_mismatch(subject, f"{locked.digest}, {locked.size} bytes", f"{amount} bytes")
    found = "sha256:" + state.hexdigest()
    if found != locked.digest:
        raise digest_mismatch(subject, locked.digest, found)


def unsafe_name(name: str) -> EdgewrightError:
    """The diagnostic for a name that could lead outside the folder it is joined to."""
    shown = name[:120]
    return fail(
        "unsafe-name",
        f"{shown!r} is not a relative name of plain parts; it could lead outside its folder",
        subject=shown,
        hint="pack it again with names such as model/config.json",
    )


def not_found(subject: str, wanted: str, known: list[str]) -> EdgewrightError:
    """The diagnostic for a file or folder that a source does not have; lists what it has."""
    shown = ", ".join(known[:8]) + (f" and {len(known) - 8} more" if len(known) > 8 else "")
    return fail(
        "source-file-missing", f"{subject} has no {wanted}", subject=subject, hint=f"it has: {shown or 'nothing'}"
    )


def offline_not_cached(what: str) -> EdgewrightError:
    """The diagnostic for something that only the network has, while the network may not be used."""
    return fail(
        "offline-not-cached",
        f"{what} is not in the cache and the network is off",
        exit_code=ExitCode.MISSING,
        subject=what,
        hint="run the command once with the network on; the cache is then enough",
    )
