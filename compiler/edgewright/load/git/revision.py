"""A revision laid out in a folder: the files of the fleet repository as a commit has them, written by us.

Invariants: `into` is empty before, every file in it is a regular one of mode 0644 that this module made, and no byte is
read before the sizes of all files are known to be in bounds. A large file that is no document is left out, and named:
a plan needs no weights.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from edgewright.kernel.diagnostics import Diagnostic, EdgewrightError, fail
from edgewright.kernel.units import format_size
from edgewright.load import lfs
from edgewright.load.git.command import GitFolder, git_stream, require_git
from edgewright.load.git.commits import Commit
from edgewright.load.git.objects import BlobReader, TreeEntry, list_tree

_DOCUMENTS = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Limits:
    """What is read of a commit at most."""

    file_bytes: int = 64 << 20
    total_bytes: int = 1 << 30
    files: int = 100_000


FOR_COMPILING = Limits(file_bytes=16 << 30, total_bytes=32 << 30)
"""A compile may need weights that are committed."""


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit's files in a folder. `left_out` were too large, `pointers` stand for files that Git LFS keeps."""

    folder: Path
    commit: Commit
    files: int
    size_bytes: int
    left_out: tuple[str, ...] = ()
    pointers: frozenset[str] = frozenset()
    refused: tuple[Diagnostic, ...] = ()


def materialise(
    root: Path, commit: Commit, into: Path, *, limits: Limits | None = None, keep_going: bool = False
) -> Revision:
    """Write the files that the fleet repository at `root` has in a commit to the empty folder `into`.

    Raises `git-link`, `git-submodule` and `git-name` with every such path (with `keep_going` they are left out and in
    `refused`), `git-file-too-large`, `git-tree-too-large`, `git-no-folder`.
    """
    limits = limits or Limits()
    folder = require_git(root)
    entries, refused = list_tree(folder, commit, most=limits.files)
    if refused and not keep_going:
        raise EdgewrightError(*refused)
    wanted = [entry for entry in entries if entry.size_bytes <= limits.file_bytes]
    left_out = tuple(entry.path for entry in entries if entry.size_bytes > limits.file_bytes)
    _refuse_large(commit, entries, wanted, limits)
    into.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(into.iterdir()):
        raise RuntimeError(f"{into} is not empty")
    pointers = _write_all(folder, wanted, into)
    size = sum(entry.size_bytes for entry in wanted)
    return Revision(into, commit, len(wanted), size, left_out, frozenset(pointers), tuple(refused))


def _refuse_large(commit: Commit, entries: list[TreeEntry], wanted: list[TreeEntry], limits: Limits) -> None:
    found = [
        fail(
            "git-file-too-large",
            f"{entry.path} has {format_size(entry.size_bytes)} in {commit.short_id}, "
            f"at most {format_size(limits.file_bytes)} are read",
            subject=entry.path,
            hint="keep what is no document out of .yaml files, or split the document",
        ).diagnostics[0]
        for entry in entries
        if entry.size_bytes > limits.file_bytes and entry.path.endswith(_DOCUMENTS)
    ]
    if found:
        raise EdgewrightError(*found[:100])
    total = sum(entry.size_bytes for entry in wanted)
    if total > limits.total_bytes:
        raise fail(
            "git-tree-too-large",
            f"{commit.short_id} has {format_size(total)} of files, at most {format_size(limits.total_bytes)} are read",
            subject=commit.short_id,
            hint="keep the fleet repository in a folder of its own and give that folder",
        )


def _write_all(folder: GitFolder, entries: list[TreeEntry], into: Path) -> list[str]:
    pointers = []
    made = {""}
    with git_stream(folder, "cat-file", "--batch") as stream:
        reader = BlobReader(stream)
        for entry in entries:
            parent = entry.path.rpartition("/")[0]
            try:
                if parent not in made:
                    (into / parent).mkdir(mode=0o755, parents=True, exist_ok=True)
                    made.add(parent)
                if _write(reader, entry, into / entry.path):
                    pointers.append(entry.path)
            except (FileExistsError, NotADirectoryError, IsADirectoryError):
                raise fail(
                    "git-name",
                    f"{entry.path} is in the tree twice, as a file and as a folder",
                    subject=entry.path,
                    hint="no git command commits this: make the commit anew from a checkout",
                ) from None
    return pointers


def _write(reader: BlobReader, entry: TreeEntry, path: Path) -> bool:
    """Write a file; tells whether it is a Git LFS pointer."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    is_pointer = False
    with os.fdopen(descriptor, "wb") as stream:
        for chunk in reader.chunks(entry):
            is_pointer |= entry.size_bytes <= lfs.LARGEST_POINTER_BYTES and lfs.is_pointer(chunk)
            stream.write(chunk)
    return is_pointer
