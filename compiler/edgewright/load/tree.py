"""The tree of a fleet repository: which files are documents of ours.

Every `*.yaml` and `*.yml` below the root is looked at, apart from hidden folders and those that tools fill. At the root
and in `blueprints/`, `fleets/`, `targets/`, `policies/` and the root's `overlays/` a YAML file must be a document;
elsewhere (inventories, CI, charts) it is one only if it says so. Links, and documents in a repository inside this one,
are refused: what a reviewer reads must be what is compiled.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgewright.kernel.diagnostics import Diagnostic, ExitCode, Span, fail
from edgewright.load.yaml12 import SIZE_LIMIT_BYTES

SHIPPED = "edgewright:"
"""Starts the path of a document that ships with edgewright; the rest is relative to its share folder."""

_SKIPPED = frozenset({"dist", "node_modules", "ansible", "__pycache__", "venv", "site-packages"})
_OURS_ONLY = frozenset({"blueprints", "fleets", "targets", "policies"})
_OVERLAYS = "overlays"
"""At the root only: charts and the like have folders of this name, too."""
_NUL_LOOKED_FOR = 256
_SAYS_SO = re.compile(rb"""^[ \t]*["']?apiVersion["']?[ \t]*:[ \t]*["']?edgewright/""", re.MULTILINE)
_LOOKS_SO = re.compile(rb"""^["']?(apiVersion|kind|metadata|spec)["']?[ \t]*:""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A YAML file: its bytes (none when it is too large), and whether it has to be a document."""

    path: str
    data: bytes
    size_bytes: int
    is_document: bool
    problem: Diagnostic | None = None


def require_folder(root: Path) -> None:
    """Refuse what is not a folder before anything is read."""
    if not root.is_dir():
        raise fail(
            "no-repository",
            f"{root} is not a folder",
            exit_code=ExitCode.USAGE,
            subject=str(root),
            hint="give the folder of a fleet repository, with its blueprint.yaml",
        )


def find_candidates(root: Path, *, prefix: str = "") -> Iterator[Candidate]:
    """The YAML files below a folder in a fixed order; `prefix` goes before their relative paths."""
    waiting = [(root, "", False)] if root.is_dir() else []
    while waiting:
        folder, relative, is_other = waiting.pop()
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            yield _unreadable(prefix + relative.removesuffix("/"), error)
            continue
        inner = []
        # a submodule or a clone: its files are not in the commit that was reviewed
        is_other = is_other or (bool(relative) and any(entry.name == ".git" for entry in entries))
        for entry in entries:
            path = f"{relative}{entry.name}"
            if entry.name.startswith("."):
                continue
            is_yaml = entry.name.endswith((".yaml", ".yml"))
            if entry.is_symlink():
                if is_yaml or Path(entry.path).is_dir():  # a link to itself is no folder, and no error
                    yield _link(prefix + path)
            elif entry.is_dir(follow_symlinks=False):
                if entry.name not in _SKIPPED:
                    inner.append((Path(entry.path), f"{path}/", is_other))
            elif is_yaml:
                found = _candidate(Path(entry.path), path, prefix)
                yield _refused(found) if is_other and found.is_document else found
        waiting += reversed(inner)


def _link(path: str) -> Candidate:
    message = f"{path} is a symbolic link; documents and their folders must not be"
    problem = Diagnostic("symlink", message, subject=path, hint="replace the link by what it points to")
    return Candidate(path, b"", 0, is_document=False, problem=problem)


def _refused(found: Candidate) -> Candidate:
    message = f"{found.path} is in a repository of its own, whose commits nobody reviewed here"
    hint = "commit the files themselves in this repository; a submodule is refused"
    problem = Diagnostic("git-submodule", message, span=Span(found.path, 1, 1, 1, 1), hint=hint)
    return Candidate(found.path, b"", 0, is_document=False, problem=problem)


def _unreadable(path: str, error: OSError) -> Candidate:
    message = f"{path or 'the repository'} cannot be read: {(error.strerror or str(error)).lower()}"
    hint = "give the user who runs this the right to read it"
    problem = Diagnostic("file-unreadable", message, span=Span(path or ".", 1, 1, 1, 1), hint=hint)
    return Candidate(path, b"", 0, is_document=False, problem=problem)


def _candidate(file: Path, relative: str, prefix: str) -> Candidate:
    try:
        if not file.is_file():
            message = f"{relative} is not a regular file"
            hint = "put a regular file in its place, or remove it"
            problem = Diagnostic("not-a-file", message, subject=prefix + relative, hint=hint)
            return Candidate(prefix + relative, b"", 0, is_document=False, problem=problem)
        with file.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            data = stream.read(SIZE_LIMIT_BYTES + 1)
    except OSError as error:
        return _unreadable(prefix + relative, error)
    parts = relative.split("/")
    if prefix or parts[0] == _OVERLAYS or any(part in _OURS_ONLY for part in parts[:-1]):
        is_document = True
    else:
        marker = _LOOKS_SO if len(parts) == 1 else _SAYS_SO
        # UTF-16 and UTF-32 hide the marker: such a file is refused rather than passed over
        is_document = marker.search(data) is not None or b"\0" in data[:_NUL_LOOKED_FOR]
    return Candidate(prefix + relative, data, max(size, len(data)), is_document)
