"""The commit whose files are checked, when they are not those of a working tree."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class CheckedCommit:
    """A full commit id, and a folder in the Git repository that holds it."""

    repository: Path
    id: str
