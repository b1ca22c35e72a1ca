"""Which files a command works on, and which commit they are: a revision read from Git, or the working tree as it is.

Owns the rule that nothing is compiled that no commit holds, unless somebody says so. A revision's files lie in a
private folder beside the store until the process ends, so that a message can still show the line it is about.
"""

from __future__ import annotations

import atexit
import tempfile
from dataclasses import dataclass
from pathlib import Path

import click

from edgewright.check.revision import CheckedCommit
from edgewright.kernel.diagnostics import fail
from edgewright.kernel.files import remove_tree
from edgewright.kernel.resources import cache_folder
from edgewright.load.git import Limits, Revision, changes, find_git, head, materialise, resolve
from edgewright.load.git.commits import Commit
from edgewright.load.git.revision import FOR_COMPILING

_CHANGES_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Source:
    """The folder to load, and the full id of the commit it equals; None when no commit is known to.

    `checked` is the commit that policies judge, when the folder is not that of the Git repository itself.
    """

    folder: Path
    commit: str | None
    checked: CheckedCommit | None = None


def open_revision(root: Path, commit: Commit, *, limits: Limits | None = None, keep_going: bool = False) -> Revision:
    """Lay a commit's files out in a private folder, which is removed when the process ends."""
    folder = open_empty()
    return materialise(root, commit, folder / commit.short_id, limits=limits, keep_going=keep_going)


def open_empty() -> Path:
    """An empty private folder, removed when the process ends."""
    scratch = cache_folder() / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=scratch, prefix="revision-"))
    atexit.register(remove_tree, folder)
    return folder


def revision_source(repository: Path, revision: str) -> Source:
    """A commit, laid out with all that a compile may need of it."""
    commit = resolve(repository, revision)
    folder = open_revision(repository, commit, limits=FOR_COMPILING).folder
    return Source(folder, commit.id, CheckedCommit(repository.resolve(), commit.id))


def source_of(repository: Path, revision: str | None, *, allow_dirty: bool) -> Source:
    """What a compile of `repository` reads: the revision, or the working tree; `dirty-tree` when that has changes."""
    if revision is not None:
        if allow_dirty:
            raise click.UsageError("--revision reads a commit, which is never dirty: leave --allow-dirty out")
        return revision_source(repository, revision)
    if find_git(repository) is None:
        click.echo(f"{repository} is not in Git: its release will name no commit", err=True)
        return Source(repository, None)
    changed = changes(repository)
    if not changed:
        clean = head(repository)
        return Source(repository, clean.id if clean else None)
    count = "1 file differs" if len(changed) == 1 else f"{len(changed):,} files differ"
    if allow_dirty:
        click.echo(f"{count} from the last commit: the release will name no commit", err=True)
        return Source(repository, None)
    rest = len(changed) - _CHANGES_SHOWN
    raise fail(
        "dirty-tree",
        f"{count} from the last commit, so no commit says what would be compiled",
        subject=str(repository),
        notes=(*changed[:_CHANGES_SHOWN], *((f"… and {rest:,} more",) if rest > 0 else ())),
        hint="commit them, compile a commit with --revision, or say --allow-dirty: then the release names no commit",
    )
