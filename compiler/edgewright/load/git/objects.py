"""The tree of a commit, as entries, and the bytes of blobs, one at a time and never more than was promised.

Owns which files of a tree a fleet repository consists of: hidden ones, and folders that tools fill, are not part of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edgewright.kernel.diagnostics import Diagnostic, fail
from edgewright.kernel.files import is_safe_relative
from edgewright.load.git.command import GitFolder, GitStream, git, git_failed, git_stream
from edgewright.load.git.commits import OBJECT_ID, Commit

REGULAR = frozenset({"100644", "100755", "100664"})
_FILLED_BY_TOOLS = frozenset({"dist", "node_modules", "__pycache__", "venv", "site-packages"})
_NOT_DOCUMENTS = frozenset({"ansible"})
"""Folders whose YAML files are not ours; an inventory may lie there, and so may links of others."""
_LONGEST_PART_BYTES = 255
_CHUNK = 1 << 20
_LISTING_CHUNK = 1 << 16
_LONGEST_RECORD_BYTES = 1 << 16
_PROBLEMS_SHOWN = 100


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """A file of a commit: path in the fleet repository, object, size in bytes."""

    path: str
    object_id: str
    size_bytes: int


def is_part(path: str) -> bool:
    """Whether a path belongs to the fleet repository."""
    parts = path.split("/")
    return not any(part.startswith(".") for part in parts) and _FILLED_BY_TOOLS.isdisjoint(parts[:-1])


def list_tree(folder: GitFolder, commit: Commit, *, most: int) -> tuple[list[TreeEntry], list[Diagnostic]]:
    """The files of the fleet repository in a commit, and what is refused of it: links, submodules, unsafe names.

    Raises `git-tree-too-large` when there are more than `most`, `git-no-folder` when the commit does not have it.
    """
    found: list[TreeEntry] = []
    problems: list[Diagnostic] = []
    for mode, object_id, size, raw in _listing(folder, _subtree(folder, commit)):
        path = raw.decode("utf-8", errors="replace")
        if not is_part(path):
            continue
        problem = _problem(mode, path, raw)
        if problem is not None:
            problems.append(problem)
        elif mode in REGULAR:
            found.append(TreeEntry(path, object_id, size))
        if len(found) > most or len(problems) >= _PROBLEMS_SHOWN:
            break
    if len(found) > most:
        raise fail(
            "git-tree-too-large",
            f"{commit.short_id} has more than {most:,} files, at most {most:,} are read",
            subject=folder.prefix or folder.toplevel.name,
            hint="keep the fleet repository in a folder of its own and give that folder",
        )
    return found, problems


def _subtree(folder: GitFolder, commit: Commit) -> str:
    if not folder.prefix:
        return commit.tree
    found = git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit.id}:{folder.prefix}")
    name = found.stdout.decode(errors="replace").strip()
    is_tree = OBJECT_ID.fullmatch(name) and git(folder, "cat-file", "-t", name).stdout.strip() == b"tree"
    if not is_tree:
        raise fail(
            "git-no-folder",
            f"{commit.short_id} has no folder {folder.prefix}",
            subject=folder.prefix,
            hint="name a revision in which the fleet repository exists",
        )
    return name


def _listing(folder: GitFolder, tree: str) -> Iterator[tuple[str, str, int, bytes]]:
    doing = f"list the tree {tree[:12]}"
    with git_stream(folder, "ls-tree", "-r", "-z", "-l", "--full-tree", tree) as stream:
        for record in _records(stream, doing):
            head, _, path = record.partition(b"\t")
            mode, kind, object_id, size = head.decode("ascii", errors="replace").split()
            if kind == "blob" and not size.isdecimal():  # an object that a partial clone lacks
                raise git_failed(folder, doing)
            yield mode, object_id, int(size) if kind == "blob" else 0, path
        stream.finish(doing)


def _records(stream: GitStream, doing: str) -> Iterator[bytes]:
    rest = b""
    while chunk := stream.answers.read(_LISTING_CHUNK):
        *records, rest = (rest + chunk).split(b"\0")
        if len(rest) > _LONGEST_RECORD_BYTES:
            raise git_failed(stream.folder, doing)
        yield from records
    if rest:
        raise git_failed(stream.folder, doing)


def _problem(mode: str, path: str, raw: bytes) -> Diagnostic | None:
    shown = "".join(character if character.isprintable() else "\ufffd" for character in path)[:200]
    is_plain = is_safe_relative(path) and path.isprintable() and path.encode() == raw
    if not is_plain or any(len(part) > _LONGEST_PART_BYTES for part in raw.split(b"/")):
        message = f"{shown!r} is not a safe file name: printable UTF-8, no backslash, at most 255 bytes a part"
        return Diagnostic("git-name", message, subject=shown, hint="rename the file")
    if mode in REGULAR or not _NOT_DOCUMENTS.isdisjoint(path.split("/")[:-1]):
        return None
    if mode == "120000":
        message = f"{shown} is a symbolic link; what a reviewer reads must be what is compiled"
        return Diagnostic("git-link", message, subject=shown, hint="replace the link by the file it points to")
    message = f"{shown} is a submodule; its content is in another repository, which nobody reviewed here"
    if mode != "160000":
        message = f"{shown} has the mode {mode}, which is no regular file"
    return Diagnostic("git-submodule", message, subject=shown, hint="commit the files themselves")


class BlobReader:
    """Reads blobs through one `git cat-file --batch`."""

    def __init__(self, stream: GitStream) -> None:
        self._folder, self._requests, self._answers = stream.folder, stream.requests, stream.answers

    def chunks(self, entry: TreeEntry) -> Iterator[bytes]:
        """The bytes of a file, exactly as many as its entry says; to be read to the end."""
        self._requests.write(entry.object_id.encode() + b"\n")
        self._requests.flush()
        head = self._answers.readline(256).decode("ascii", errors="replace").split()
        if head != [entry.object_id, "blob", str(entry.size_bytes)]:
            raise git_failed(self._folder, f"read {entry.path}")
        left = entry.size_bytes
        while left:
            chunk = self._answers.read(min(left, _CHUNK))
            if not chunk:
                raise git_failed(self._folder, f"read the whole of {entry.path}")
            left -= len(chunk)
            yield chunk
        if self._answers.read(1) != b"\n":
            raise git_failed(self._folder, f"read {entry.path}")
