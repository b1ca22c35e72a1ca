"""The store: blobs by digest in an OCI image layout, trees of named blobs, and the results of actions.

Invariants: an action's result is recorded
only after all its blobs are there, by an atomic rename; what is materialised from the store is linked and read-only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edgewright.kernel.blobs import BlobFolder
from edgewright.kernel.digest import Digest, canonical_json, hex_of
from edgewright.kernel.files import iter_files, link_or_copy, write_atomic
from edgewright.kernel.resources import cache_folder

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a tree: digest of its content, size in bytes, whether it is executable."""

    digest: Digest
    size: int
    executable: bool = False


Tree = Mapping[str, Entry]
"""A folder as a value: safe relative names to entries."""


@dataclass(frozen=True, slots=True)
class Result:
    """What an action made: its output folder as a tree, the facts it told, and how long it took."""

    tree: Tree
    facts: Mapping[str, Any]
    seconds: float


class Store(BlobFolder):
    """A content-addressed store in one folder, shared by all repositories of a user."""

    def __init__(self, root: Path | None = None) -> None:
        super().__init__(root or cache_folder() / "store")

    def blob(self, digest: Digest) -> Path:
        """Path of a blob; whether it exists is not asked."""
        return self.path_of(digest)

    def add(self, path: Path) -> Entry:
        """Add a file's content and mode; the file itself stays where it is."""
        digest, size = self.add_file(path)
        return Entry(digest, size, bool(path.stat().st_mode & 0o100))

    def add_folder(self, folder: Path) -> Tree:
        """Add every file of a folder; links and devices are refused."""
        self.prepare()
        return {name: self.add(path) for name, path in iter_files(folder)}

    def materialise(self, tree: Tree, folder: Path) -> None:
        """Lay a tree out in a folder, as hard links where possible."""
        for name, entry in tree.items():
            link_or_copy(self.blob(entry.digest), folder / name)

    def result(self, key: Digest) -> Result | None:
        """The recorded result of an action, or None when it never ran or a blob of it is gone."""
        try:
            document = json.loads((self.root / "actions" / f"{hex_of(key)}.json").read_bytes())
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        if document.get("format") != _FORMAT:
            return None
        tree = {name: Entry(**entry) for name, entry in document["tree"].items()}
        for entry in tree.values():
            try:
                if self.blob(entry.digest).stat().st_size != entry.size:
                    return None
            except FileNotFoundError:
                return None
        return Result(tree, document["facts"], document["seconds"])

    def recorded(self, key: Digest) -> datetime | None:
        """When the result of an action was recorded; None when there is none."""
        try:
            seconds = (self.root / "actions" / f"{hex_of(key)}.json").stat().st_mtime
        except FileNotFoundError:
            return None
        return datetime.fromtimestamp(seconds, UTC)

    def record(self, key: Digest, result: Result) -> None:
        """Record what an action made."""
        document = {
            "format": _FORMAT,
            "tree": {name: asdict(entry) for name, entry in result.tree.items()},
            "facts": dict(result.facts),
            "seconds": round(result.seconds, 3),
        }
        write_atomic(self.root / "actions" / f"{hex_of(key)}.json", canonical_json(document))
