"""The strict reader of wheels.

Owns every rule about what an archive may hold. A wheel is a zip file; even one whose digest was signed is read as if
its author were hostile, because the signer vouches for what a builder downloaded.

Invariants: only regular files with plain relative names come out; no name twice, none a folder of another; no member
shares bytes with another (overlap bombs); no more bytes than declared, and no more in sum than `UNPACKED_CAP_BYTES`;
modes are 0644, or 0755 for what the archive calls executable.
"""

from __future__ import annotations

import os
import re
import stat
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from edgewright.device.files import COPY_CHUNK_BYTES
from edgewright.device.refusal import Refusal

UNPACKED_CAP_BYTES = 2 * 2**30
MOST_MEMBERS = 20_000
LONGEST_NAME = 400
DATA_FOLDER = re.compile(r"[^/]+\.data")
KEPT_SCHEMES = ("purelib", "platlib")
LOCAL_HEADER_BYTES = 30


@dataclass(frozen=True)
class Member:
    """A file to unpack: its place below site/, and the entry it comes from."""

    path: str
    size_bytes: int
    crc: int
    executable: bool
    entry: zipfile.ZipInfo


def _refuse(archive: str, complaint: str) -> Refusal:
    return Refusal("archive-unsafe", f"{archive} {complaint}", hint="build the release from wheels of a trusted index")


def _checked_name(archive: str, name: str) -> list[str]:
    parts = name.split("/")
    bad = (
        not name
        or len(name) > LONGEST_NAME
        or "\\" in name
        or any(ord(character) < 32 or ord(character) == 127 for character in name)
        or any(part in ("", ".", "..") for part in parts)
    )
    if bad or ":" in parts[0]:
        raise _refuse(archive, f"has the unsafe name {name[:120]!r}")
    return parts


def _member(archive: str, entry: zipfile.ZipInfo) -> Member | None:
    """The member an entry unpacks to, None for folders and for parts of a wheel that are not imported."""
    kind = stat.S_IFMT(entry.external_attr >> 16)
    name = entry.orig_filename
    if entry.flag_bits & 0x1:
        raise _refuse(archive, f"has the encrypted member {name[:120]!r}")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _refuse(
            archive, f"compresses {name[:120]!r} by method {entry.compress_type}, stored and deflated are allowed"
        )
    if name.endswith("/"):
        if entry.file_size or kind not in (0, stat.S_IFDIR):
            raise _refuse(archive, f"has the folder {name[:120]!r} with content")
        _checked_name(archive, name[:-1])
        return None
    if kind not in (0, stat.S_IFREG):
        raise _refuse(archive, f"has {name[:120]!r}, which is a link or a special file")
    parts = _checked_name(archive, name)
    if DATA_FOLDER.fullmatch(parts[0]):
        if len(parts) < 3 or parts[1] not in KEPT_SCHEMES:
            return None
        parts = parts[2:]
    executable = bool((entry.external_attr >> 16) & 0o100)
    return Member("/".join(parts), entry.file_size, entry.CRC, executable, entry)


def _refuse_overlap(archive: str, entries: list[zipfile.ZipInfo]) -> None:
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < end:
            raise _refuse(archive, f"has the member {entry.orig_filename[:120]!r} that shares bytes with another")
        end = entry.header_offset + LOCAL_HEADER_BYTES + len(entry.orig_filename) + entry.compress_size


def _listed(archive: str, file: zipfile.ZipFile) -> list[Member]:
    entries = file.infolist()
    if len(entries) > MOST_MEMBERS:
        raise _refuse(archive, f"has {len(entries)} members, {MOST_MEMBERS} are allowed")
    _refuse_overlap(archive, entries)
    members = [member for member in (_member(archive, entry) for entry in entries) if member is not None]
    seen: set[str] = set()
    for member in members:
        if member.path in seen:
            raise _refuse(archive, f"has {member.path[:120]!r} twice")
        seen.add(member.path)
    for member in members:
        parts = member.path.split("/")
        if any("/".join(parts[:depth]) in seen for depth in range(1, len(parts))):
            raise _refuse(archive, f"has {member.path[:120]!r} below a file")
    total = sum(member.size_bytes for member in members)
    if total > UNPACKED_CAP_BYTES:
        raise _refuse(archive, f"unpacks to {total} bytes, {UNPACKED_CAP_BYTES} are allowed")
    return members


def members(name: str, file: zipfile.ZipFile) -> list[Member]:
    """What an open archive would unpack, checked; refuses `archive-unsafe`. `name` is how messages call it."""
    return _listed(name, file)


def list_members(path: Path, name: str) -> list[Member]:
    """What an archive would unpack, checked; refuses `archive-unsafe`. `name` is how messages call it."""
    try:
        with zipfile.ZipFile(path) as file:
            return _listed(name, file)
    except (zipfile.BadZipFile, UnicodeDecodeError, ValueError) as error:
        raise _refuse(name, f"is not a readable zip file: {error}") from None


def unpack(path: Path, name: str, into: Path, taken: dict[str, tuple[int, int]]) -> None:
    """Unpack an archive below `into`. `taken` is size and CRC of what other archives put there, and grows:
    two wheels may bring the same file only if it is the same."""
    try:
        with zipfile.ZipFile(path) as file:
            for member in _listed(name, file):
                identity = (member.size_bytes, member.crc)
                if taken.setdefault(member.path, identity) != identity:
                    raise _refuse(name, f"brings another {member.path[:120]!r} than the wheels before it")
                if not os.path.lexists(into / member.path):
                    _write(file, member, name, into / member.path)
    except (zipfile.BadZipFile, zlib.error, EOFError, UnicodeDecodeError, ValueError, NotImplementedError) as error:
        raise _refuse(name, f"is damaged: {error}") from None
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise _refuse(name, f"has a file where another wheel has a folder: {error.filename}") from None


def _write(file: zipfile.ZipFile, member: Member, name: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(target, flags, 0o644)
    written = 0
    with file.open(member.entry) as source, os.fdopen(descriptor, "wb") as output:
        while True:
            chunk = source.read(COPY_CHUNK_BYTES)
            if not chunk:
                break
            written += len(chunk)
            if written > member.size_bytes:
                raise _refuse(
                    name, f"holds more than the {member.size_bytes} bytes it declares for {member.path[:120]!r}"
                )
            output.write(chunk)
        os.fchmod(output.fileno(), 0o755 if member.executable else 0o644)
    if written != member.size_bytes:
        raise _refuse(name, f"holds {written} bytes of {member.path[:120]!r}, it declares {member.size_bytes}")
