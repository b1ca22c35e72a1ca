"""The `directory` source: a folder of the fleet repository.

Owns the reading of that folder. Must not follow a link: what is reviewed in Git is what is read. Invariant: nothing
outside the repository is opened.
"""

from __future__ import annotations

from pathlib import Path

from edgewright.kernel.diagnostics import fail
from edgewright.kernel.files import is_safe_relative, iter_files
from edgewright.plugins.protocols import FileDigest, Resolved, SourceContext
from edgewright.sources.deposit import LIMITS, deposit, measure, not_found, unsafe_name
from edgewright.spec.v1beta1.blueprint import DirectorySource as Options


class DirectorySource:
    """Reads a folder of the repository; with `file`, that one file of it."""

    def resolve(self, options: Options, context: SourceContext) -> Resolved:
        """Digest every file. Never uses the network."""
        found = _files(options, context.repository)
        LIMITS.check(len(found), sum(path.stat().st_size for _, path in found), f"directory {options.path}")
        files = []
        for name, path in found:
            if not is_safe_relative(name):
                raise unsafe_name(name)
            with path.open("rb") as stream:
                files.append(measure(name, stream))
        return Resolved(tuple(files))

    def acquire(self, options: Options, locked: tuple[FileDigest, ...], context: SourceContext, folder: Path) -> None:
        """Copy the locked files; one that was edited since is `digest-mismatch`."""
        found = dict(_files(options, context.repository))
        for file in locked:
            if file.name not in found:
                raise not_found(f"directory {options.path}", file.name, sorted(found))
            with found[file.name].open("rb") as stream:
                deposit(stream, file, folder, origin=f"directory {options.path}")


def _files(options: Options, repository: Path) -> list[tuple[str, Path]]:
    root = repository / options.path
    subject = f"directory {options.path}"
    if any(
        step.is_symlink() for step in (root, *root.parents) if step.is_relative_to(repository) and step != repository
    ):
        message = f"{subject} is, or lies behind, a link; only folders are read"
        raise fail("not-a-file", message, subject=subject, hint="replace the link by what it points to")
    if not root.is_dir():
        raise fail(
            "source-not-found",
            f"{subject} does not exist in the repository",
            subject=subject,
            hint="paths are relative to the repository's root",
        )
    found = list(iter_files(root))
    if not found:
        raise fail("source-empty", f"{subject} has no files", subject=subject, hint="put the files of the model there")
    if options.file is None:
        return found
    chosen = [(name, path) for name, path in found if name == options.file]
    if not chosen:
        raise not_found(subject, options.file, [name for name, _ in found])
    return chosen
