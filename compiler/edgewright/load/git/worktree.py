"""The working tree beside its commit: which files of the fleet repository are not as HEAD has them.

Compared by content, here: `git status` would run the clean filters that the repository's configuration names. A file
that Git LFS keeps is held to the digest in its pointer.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from edgewright.load.git.command import GitFolder, find_git, git, git_failed, git_stream
from edgewright.load.git.commits import Commit, head
from edgewright.load.git.objects import BlobReader, TreeEntry, is_part, list_tree
from edgewright.load.git.revision import FOR_COMPILING
from edgewright.load.lfs import LARGEST_POINTER_BYTES, pointer_of

_CHUNK = 1 << 20


def is_dirty(root: Path) -> bool:
    """Whether a file of the fleet repository differs from HEAD; False outside Git."""
    return bool(changes(root))


def changes(root: Path) -> tuple[str, ...]:
    """Files that differ from HEAD, `deleted fleet.yaml`; new ones count unless they are ignored. None outside Git."""
    folder = find_git(root)
    if folder is None:
        return ()
    commit = head(root)
    entries = _entries(folder, commit) if commit else {}
    found = [f"new {path}" for path in _present(folder) if path not in entries]
    with git_stream(folder, "cat-file", "--batch") as stream:
        reader = BlobReader(stream)
        for path, entry in entries.items():
            state = _state(folder.root / path, entry, reader)
            if state is not None:
                found.append(f"{state} {path}")
    return tuple(sorted(found, key=lambda line: line.partition(" ")[::-1]))


def _entries(folder: GitFolder, commit: Commit) -> dict[str, TreeEntry]:
    # a folder that was never committed has no entries: everything in it is new
    if folder.prefix and git(folder, "cat-file", "-e", f"{commit.id}:{folder.prefix}").returncode != 0:
        return {}
    entries, _ = list_tree(folder, commit, most=FOR_COMPILING.files)  # what is refused is refused where it is loaded
    return {entry.path: entry for entry in entries}


def _present(folder: GitFolder) -> list[str]:
    """Files of the working tree that git knows or does not ignore, and that exist."""
    where = f"{folder.prefix}/" if folder.prefix else "."
    listed = git(folder, "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", where)
    if listed.returncode != 0:
        raise git_failed(folder, "list the working tree", listed)
    start = len(folder.prefix) + 1 if folder.prefix else 0
    names = sorted({os.fsdecode(name)[start:] for name in listed.stdout.split(b"\0") if name})
    return [name for name in names if is_part(name.rstrip("/")) and os.path.lexists(folder.root / name)]


def _state(path: Path, entry: TreeEntry, reader: BlobReader) -> str | None:
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return "deleted"
    if not stat.S_ISREG(status.st_mode):
        return "modified"
    if status.st_size == entry.size_bytes and _object_id(path, status.st_size, entry) == entry.object_id:
        return None
    if entry.size_bytes > LARGEST_POINTER_BYTES:
        return "modified"
    pointer = pointer_of(b"".join(reader.chunks(entry)))
    is_content = pointer is not None and pointer == (_hash(path, hashlib.sha256()), status.st_size)
    return None if is_content else "modified"


def _object_id(path: Path, size: int, entry: TreeEntry) -> str:
    """The name that Git gives a file's bytes."""
    is_sha1 = len(entry.object_id) == 40
    start = hashlib.sha1(usedforsecurity=False) if is_sha1 else hashlib.sha256()
    start.update(b"blob %d\0" % size)
    return _hash(path, start)


def _hash(path: Path, digest: hashlib._Hash) -> str:
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
