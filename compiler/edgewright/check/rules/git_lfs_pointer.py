"""What a blueprint names is here, not only the pointer that Git LFS keeps in its place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic
from edgewright.load.lfs import LARGEST_POINTER_BYTES, START, is_pointer
from edgewright.spec.v1beta1.blueprint import DirectorySource

_MOST_FILES = 1000
_HINT = "run git lfs pull; a revision is read from Git's objects, which have the pointer only: commit the file itself"


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Every dataset, and the files of a model that lies in the repository."""
    root = subject.repository.root
    for name, place, report in subject.datasets:
        if report.state == "lfs-pointer":
            yield subject.error("git-lfs-pointer", f"the dataset {name} is a Git LFS pointer", place, hint=_HINT)
    source = subject.blueprint.spec.model.source
    if isinstance(source, DirectorySource):
        for path in sorted((root / source.path).glob("*"))[:_MOST_FILES]:
            if _is_pointer(path):
                message = f"{source.path} has {path.name} as a Git LFS pointer only"
                yield subject.error("git-lfs-pointer", message, ("spec", "model", "source", "path"), hint=_HINT)


def _is_pointer(path: Path) -> bool:
    if path.is_symlink() or not path.is_file() or path.stat().st_size > LARGEST_POINTER_BYTES:
        return False
    with path.open("rb") as stream:
        return is_pointer(stream.read(len(START)))
