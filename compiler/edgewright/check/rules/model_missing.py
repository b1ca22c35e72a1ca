"""A model that lies in the repository is there."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic
from edgewright.spec.v1beta1.blueprint import DirectorySource


def check(subject: Subject) -> Iterator[Diagnostic]:
    """The folder of a `directory` source, and its file; what is inside is proved when it is locked."""
    source = subject.blueprint.spec.model.source
    if not isinstance(source, DirectorySource):
        return
    folder = subject.repository.root / source.path
    place = ("spec", "model", "source")
    if not folder.is_dir():
        message = f"the model folder {source.path} does not exist"
        hint = "paths start at the repository's root; with Git LFS, fetch the files first"
        yield subject.error("model-missing", message, (*place, "path"), hint=hint)
    elif source.file is not None and not (folder / source.file).is_file():
        yield subject.error("model-missing", f"{source.path} has no file {source.file}", (*place, "file"))
