"""Files of a repository as the reader sees them: names, kinds and bytes, below one root.

Invariants: no link is followed, not even on the way; nothing is read before its size is known to be in bounds.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgewright.kernel.files import read_bounded

Kind = Literal["file", "executable", "folder", "link", "other"]


@dataclass(frozen=True, slots=True)
class Files:
    """The files below a folder; paths are relative to it, with slashes."""

    root: Path

    def kind(self, path: str) -> Kind | None:
        """What lies at a path; a link anywhere on the way is a link."""
        place = self.root
        status = None
        for part in path.split("/"):
            place /= part
            try:
                status = os.lstat(place)
            except (FileNotFoundError, NotADirectoryError):
                return None
            if stat.S_ISLNK(status.st_mode):
                return "link"
        return None if status is None else _kind(status.st_mode)

    def names(self, path: str) -> list[str]:
        """Names in a folder."""
        return sorted(entry.name for entry in (self.root / path).iterdir())

    def read(self, path: str, limit_bytes: int) -> bytes:
        """Bytes of a file."""
        return read_bounded(self.root / path, limit_bytes)


def _kind(mode: int) -> Kind:
    if stat.S_ISDIR(mode):
        return "folder"
    if not stat.S_ISREG(mode):
        return "other"
    return "executable" if mode & 0o111 else "file"
