"""Comparing what is installed with what was signed, byte for byte.

Owns the comparison. Must not change anything, take the lock, or judge what a difference means.

Invariants: content is streamed and never read beyond its signed size; links are not followed and special files not
opened; after `budget_s` it stops and says that it is not complete, so that silence never means "unchanged".
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgewright.device import archive
from edgewright.device.documents import HEX_SHA256
from edgewright.device.files import COPY_CHUNK_BYTES
from edgewright.device.layout import Layout
from edgewright.device.options import OPTIONS_CAP_BYTES, Options
from edgewright.device.refusal import Refusal
from edgewright.device.release import Release
from edgewright.device.store import file_digest
from edgewright.device.verify import (
    MANIFEST_CAP_BYTES,
    SIGNERS_CAP_BYTES,
    STATEMENT_CAP_BYTES,
    verify_installed,
)

CHANGED, MISSING, EXTRA, LINK, UNSIGNED = "changed", "missing", "extra", "link", "unsigned"
BUDGET_S = 180.0
MOST_ENTRIES = 100_000
MOST_FINDINGS = 32
AGENT_CAP_BYTES = 64 * 2**20
DOCUMENTS = ("statement.json", "statement.json.sig", "manifest.json", "device.json")


@dataclass
class Inspection:
    """What was found so far; paths are relative to the root of the blueprint."""

    deadline: float
    findings: list[dict[str, str]] = field(default_factory=list)
    count: int = 0
    checked_files: int = 0
    checked_bytes: int = 0
    is_complete: bool = True

    def note(self, path: str, what: str) -> None:
        """Remember a difference; beyond `MOST_FINDINGS` they are only counted."""
        self.count += 1
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append({"path": path[:240], "what": what})

    def is_over(self) -> bool:
        """Whether the time is used up; from then on the inspection is incomplete."""
        if time.monotonic() >= self.deadline:
            self.is_complete = False
        return not self.is_complete

    def as_json(self) -> dict[str, Any]:
        """As the agent prints it."""
        return {
            "complete": self.is_complete,
            "checked_files": self.checked_files,
            "checked_bytes": self.checked_bytes,
            "findings": self.findings,
            "more": self.count - len(self.findings),
        }


def inspect_release(layout: Layout, options: Options, number: int, budget_s: float = BUDGET_S) -> dict[str, Any]:
    """Compare releases/<number> with its signed manifest, and the agents with the digests that name them."""
    seen = Inspection(time.monotonic() + budget_s)
    folder = layout.release(number)
    documents = {
        "manifest": document_digest(folder / "manifest.json", MANIFEST_CAP_BYTES),
        "statement": document_digest(folder / "statement.json", STATEMENT_CAP_BYTES),
    }
    _inspect_agents(layout, seen)
    error = None
    try:
        release = verify_installed(layout, options, number)
    except Refusal as refusal:
        error = refusal.as_json()
        seen.note(f"releases/{number}/statement.json", UNSIGNED)
    else:
        inspect_files(layout, release, seen)
    return {"release": number, **documents, "error": error, **seen.as_json()}


def is_intact(layout: Layout, release: Release, budget_s: float) -> bool:
    """Whether every installed file of a verified release is as signed, and nothing else is there."""
    seen = Inspection(time.monotonic() + budget_s)
    inspect_files(layout, release, seen)
    return seen.is_complete and seen.count == 0


def inspect_files(layout: Layout, release: Release, seen: Inspection) -> None:
    """Compare the files of a verified release, and look for what it does not have."""
    top = f"releases/{release.number}"
    expected = set(DOCUMENTS)
    for file in release.files:
        if seen.is_over():
            return
        if file.path.startswith("wheels/"):
            blob = layout.blob(file.digest_hex)
            if _compare(blob, f"store/sha256/{file.digest_hex}", file.size_bytes, file.digest_hex, seen):
                _inspect_wheel(blob, file.path, layout.release(release.number), top, expected, seen)
            else:
                seen.is_complete = False  # what it would unpack to is not known
        else:
            expected.add(file.path)
            path = layout.release(release.number) / file.path
            _compare(path, f"{top}/{file.path}", file.size_bytes, file.digest_hex, seen)
    if seen.is_complete:
        _find_extra(layout.release(release.number), top, expected, seen)


def document_digest(path: Path, cap_bytes: int) -> str | None:
    """SHA-256 of a small regular file; None when there is none, or it is larger than such a file may be."""
    try:
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode) or status.st_size > cap_bytes:
            return None
        return file_digest(path)
    except OSError:
        return None


def documents_told(layout: Layout, number: int | None) -> dict[str, str | None]:
    """Digests of what the controller wrote here beside a release: `applied` is what the release was activated with."""
    kept = None if number is None else document_digest(layout.release_options(number), OPTIONS_CAP_BYTES)
    return {
        "options": document_digest(layout.options, OPTIONS_CAP_BYTES),
        "applied": kept,
        "signers": document_digest(layout.allowed_signers, SIGNERS_CAP_BYTES),
    }


def _open(path: Path, name: str, size_bytes: int, seen: Inspection) -> int | None:
    """A descriptor of a regular file of the right size; None after noting why there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        seen.note(name, MISSING)
        return None
    except OSError:
        seen.note(name, LINK if path.is_symlink() else CHANGED)
        return None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_size != size_bytes:
        os.close(descriptor)
        seen.note(name, CHANGED)
        return None
    return descriptor


def _compare(path: Path, name: str, size_bytes: int, digest_hex: str, seen: Inspection) -> bool:
    """Whether a file has the signed bytes; a file that ran out of time counts as unknown, not as changed."""
    descriptor = _open(path, name, size_bytes, seen)
    if descriptor is None:
        return False
    digest, left = hashlib.sha256(), size_bytes
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        while left > 0 and not seen.is_over():
            chunk = file.read(min(COPY_CHUNK_BYTES, left))
            if not chunk:
                break
            digest.update(chunk)
            left -= len(chunk)
    if not seen.is_complete:
        return False
    seen.checked_files += 1
    seen.checked_bytes += size_bytes - left
    if left or digest.hexdigest() != digest_hex:
        seen.note(name, CHANGED)
        return False
    return True


def _inspect_wheel(blob: Path, wheel: str, folder: Path, top: str, expected: set[str], seen: Inspection) -> None:
    """Compare what a verified wheel unpacks to; where two wheels bring a file, it is the same file."""
    try:
        with zipfile.ZipFile(blob) as file:
            for member in archive.members(wheel, file):
                relative = f"site/{member.path}"
                if relative in expected:
                    continue
                expected.add(relative)
                if seen.is_over():
                    return
                _compare_member(file, member, folder / relative, f"{top}/{relative}", seen)
    except (Refusal, zipfile.BadZipFile, zlib.error, ValueError, EOFError, NotImplementedError):
        seen.note(f"{top}/{wheel}", CHANGED)


def _compare_member(file: zipfile.ZipFile, member: archive.Member, path: Path, name: str, seen: Inspection) -> None:
    descriptor = _open(path, name, member.size_bytes, seen)
    if descriptor is None:
        return
    with os.fdopen(descriptor, "rb") as installed, file.open(member.entry) as signed:
        while not seen.is_over():
            wanted = signed.read(COPY_CHUNK_BYTES)
            if installed.read(len(wanted)) != wanted:
                seen.note(name, CHANGED)
                break
            seen.checked_bytes += len(wanted)
            if not wanted:
                seen.checked_files += 1
                break


def _inspect_agents(layout: Layout, seen: Inspection) -> None:
    """An agent's name is its digest."""
    if not layout.agents.is_dir():
        return
    for entry in sorted(os.scandir(layout.agents), key=lambda entry: entry.name)[:MOST_FINDINGS]:
        digest, _, suffix = entry.name.partition(".")
        if suffix != "pyz" or not HEX_SHA256.fullmatch(digest):
            continue
        if document_digest(Path(entry.path), AGENT_CAP_BYTES) != digest:
            seen.note(f"agent/{entry.name}", CHANGED)


def _find_extra(folder: Path, top: str, expected: set[str], seen: Inspection) -> None:
    """Note every name that the release does not have; what is below such a folder is not listed."""
    folders = {"artifact", "site", "agent"}
    for path in expected:
        parts = path.split("/")
        folders |= {"/".join(parts[:depth]) for depth in range(1, len(parts))}
    waiting, entries = [""], 0
    while waiting:
        prefix = waiting.pop()
        for entry in sorted(os.scandir(folder / prefix), key=lambda entry: entry.name):
            entries += 1
            if entries > MOST_ENTRIES or seen.is_over():
                seen.is_complete = False
                return
            relative = f"{prefix}/{entry.name}" if prefix else entry.name
            if entry.is_dir(follow_symlinks=False) and relative in folders:
                waiting.append(relative)
            elif relative not in expected:
                seen.note(f"{top}/{relative}", LINK if entry.is_symlink() else EXTRA)
