"""Every dataset is a regular file of the repository."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path as FilePath

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic, did_you_mean


def check(subject: Subject) -> Iterator[Diagnostic]:
    """The evaluation dataset, and the calibration text of every recipe that would ship."""
    for name, place, report in subject.datasets:
        if report.state == "link":
            message = f"the dataset {name} is reached through a link; only regular files are read"
            yield subject.error("dataset-missing", message, place, hint="copy the file into the repository")
        elif report.state == "no-file":
            message = f"the dataset {name} is a folder, a pipe or a device; only regular files are read"
            yield subject.error("dataset-missing", message, place, hint="name one .jsonl file of the repository")
        elif report.state == "unreadable":
            message = f"the dataset {name} cannot be read: permission denied"
            hint = "give the user who runs this the right to read it"
            yield subject.error("dataset-missing", message, place, hint=hint)
        elif report.state == "missing":
            hint = _near(subject, subject.repository.root / name)
            yield subject.error("dataset-missing", f"the dataset {name} does not exist", place, hint=hint)


def _near(subject: Subject, path: FilePath) -> str:
    """What was probably meant: a file of a like name, or this path below the blueprint's own folder."""
    root, folder = subject.repository.root, path.parent
    names = [entry.name for entry in folder.iterdir() if entry.is_file()] if folder.is_dir() else []
    close = did_you_mean(path.name, names)
    if close and close.startswith("did you mean"):
        return close
    own = FilePath(subject.loaded.path).parent
    if (root / own / path.relative_to(root)).is_file():
        return f"paths start at the repository's root: give {own} as the repository"
    return "paths start at the repository's root"
