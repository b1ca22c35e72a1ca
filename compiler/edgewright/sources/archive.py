"""Archives: zip and tar files read strictly, member by member.

Owns what counts as a safe archive: regular files with plain relative names, no links, devices, duplicates, encryption
or sparse members, no name that is a file and a folder, bounded number and bounded unpacked size. Must not write.
Invariant: nothing is yielded whose name could lead outside a folder, and no more bytes than the limits allow are ever
unpacked.
"""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from edgewright.kernel.diagnostics import EdgewrightError, fail
from edgewright.kernel.files import is_safe_relative
from edgewright.sources.deposit import LIMITS, Limits

_LARGEST_TAR_HEADER_BYTES = 1 << 20
_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")

_DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    ValueError,
)

Member = tuple[str, BinaryIO]


def is_archive_name(name: str) -> bool:
    """Tell by its name whether a file is meant as an archive; its content then has to agree."""
    return name.lower().endswith(_SUFFIXES)


def members(path: Path, *, subject: str, limits: Limits = LIMITS) -> Iterator[Member]:
    """Every file of an archive as (name, stream), refused with `archive-unsafe`.

    A stream is valid until the next member is asked for.
    """
    read = _zip_members if zipfile.is_zipfile(path) else _tar_members
    with _readable(subject):
        for name, stream in read(path, subject, limits):
            yield name, cast(BinaryIO, _Strict(stream, subject))


def refuse(subject: str, reason: str) -> EdgewrightError:
    """The diagnostic for an archive that is not read."""
    return fail(
        "archive-unsafe", f"{subject} {reason}", subject=subject, hint="only plain files with relative names are read"
    )


class Names:
    """The names seen in one archive; refuses unsafe ones, duplicates, and a file that is also a folder."""

    def __init__(self, subject: str, limits: Limits) -> None:
        self._subject = subject
        self._limits = limits
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def add(self, name: str, *, is_folder: bool = False) -> str:
        """Take one name in its plain form."""
        plain = name.rstrip("/") if is_folder else name
        if not is_safe_relative(plain) or any(ord(c) < 32 for c in plain):
            raise refuse(self._subject, f"has the unsafe name {name[:120]!r}")
        parents = {plain[:i] for i, c in enumerate(plain) if c == "/"}
        if plain in self._files or parents & self._files or (not is_folder and plain in self._folders):
            raise refuse(self._subject, f"has {plain[:120]!r} twice, or as a file and as a folder")
        self._folders |= parents | ({plain} if is_folder else set())
        if not is_folder:
            self._files.add(plain)
        self._limits.check(len(self._files) + len(self._folders), 0, self._subject)
        return plain


@contextmanager
def _readable(subject: str) -> Iterator[None]:
    """Turn what the standard readers raise for damaged archives into `archive-unsafe`; a failing disk stays itself."""
    try:
        yield
    except _DAMAGE as error:
        raise refuse(subject, f"is damaged: {str(error)[:200]}") from error
    except OSError as error:
        # Damaged streams are reported without a number, damaged offsets as EINVAL.
        if error.errno not in {None, errno.EINVAL}:
            raise
        raise refuse(subject, f"is damaged: {str(error)[:200]}") from error


def _zip_members(path: Path, subject: str, limits: Limits) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        names = Names(subject, limits)
        limits.check(len(infos), sum(info.file_size for info in infos), subject)
        # Members that share compressed bytes would unpack to far more than they take (overlapping-file bombs).
        if sum(info.compress_size for info in infos) > path.stat().st_size:
            raise refuse(subject, "has members that overlap")
        chosen = []
        for info in infos:
            kind = stat.S_IFMT(info.external_attr >> 16)
            if info.orig_filename != info.filename:
                raise refuse(subject, f"has the unsafe name {info.orig_filename[:120]!r}")
            if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
                raise refuse(subject, f"has {info.filename[:120]!r}, which is a link or a device")
            if info.flag_bits & 0x1:
                raise refuse(subject, f"has {info.filename[:120]!r}, which is encrypted")
            if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
                raise refuse(subject, f"has {info.filename[:120]!r}, compressed by another method than deflate")
            names.add(info.filename, is_folder=info.is_dir())
            if not info.is_dir():
                chosen.append(info)
        for info in chosen:
            with archive.open(info) as stream:
                yield info.filename, cast(BinaryIO, stream)


class _Strict(io.RawIOBase):
    """A member's stream, whose damage is found while it is read, far from here."""

    def __init__(self, stream: BinaryIO, subject: str) -> None:
        self._stream = stream
        self._subject = subject

    def read(self, size: int = -1) -> bytes:
        with _readable(self._subject):
            return self._stream.read(size)


class _Bounded(io.RawIOBase):
    """A stream that ends the reading of an archive beyond `limit_bytes`, which grows with every member accepted."""

    def __init__(self, stream: BinaryIO, subject: str) -> None:
        self._stream = stream
        self._subject = subject
        self._read_bytes = 0
        self._last: deque[bytes] = deque(maxlen=4)
        self.limit_bytes = _LARGEST_TAR_HEADER_BYTES

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._read_bytes += len(data)
        if self._read_bytes > self.limit_bytes:
            raise refuse(self._subject, "has a header or an end that is too large")
        self._last.append(data)
        return data

    def block_at(self, offset: int) -> bytes:
        """The block at a position that was read a moment ago; empty at the end of the stream."""
        recent = b"".join(self._last)
        start = offset - (self._read_bytes - len(recent))
        return recent[start : start + tarfile.BLOCKSIZE] if start >= 0 else b"?"


def _open_stream(path: Path) -> BinaryIO:
    with path.open("rb") as stream:
        magic = stream.read(6)
    if magic[:2] == b"\x1f\x8b":
        return cast(BinaryIO, gzip.open(path, "rb"))
    if magic[:3] == b"BZh":
        return cast(BinaryIO, bz2.open(path, "rb"))
    if magic == b"\xfd7zXZ\0":
        return cast(BinaryIO, lzma.open(path, "rb"))
    return path.open("rb")


def _tar_members(path: Path, subject: str, limits: Limits) -> Iterator[Member]:
    names, total, files = Names(subject, limits), 0, 0
    with _open_stream(path) as raw:
        bounded = _Bounded(raw, subject)
        with tarfile.open(fileobj=cast(BinaryIO, bounded), mode="r|") as archive:
            for info in archive:
                bounded.limit_bytes = info.offset_data + info.size + _LARGEST_TAR_HEADER_BYTES
                name = info.name.removeprefix("./")
                if info.isdir() and name in {"", "."}:
                    continue
                if not (info.isdir() or info.isreg()) or info.issparse():
                    raise refuse(subject, f"has {info.name[:120]!r}, which is a link, a device or sparse")
                names.add(name, is_folder=info.isdir())
                if info.isdir():
                    continue
                files, total = files + 1, total + info.size
                limits.check(files, total, subject)
                stream = archive.extractfile(info)
                if stream is not None:
                    yield name, cast(BinaryIO, stream)
            # tarfile takes a damaged header for the end of the archive; the real end is a block of zeros.
            if any(bounded.block_at(archive.offset)):
                raise refuse(subject, "has a damaged header")
