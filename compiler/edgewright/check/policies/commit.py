"""The commit that is judged, and whether somebody trusted signed it.

Who is trusted is never read from the commit itself: it is the list that EDGEWRIGHT_ALLOWED_SIGNERS names (CI gives
that of the base branch), or else `allowed_signers` as the first parent has it: a key that a commit adds does not make
that commit trusted.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgewright.check.revision import CheckedCommit
from edgewright.check.signers import FILE, LARGEST_BYTES
from edgewright.kernel.files import read_bounded
from edgewright.load.git import Commit, find_git, head, is_dirty, resolve, verify_commit
from edgewright.load.git.command import git, require_git

VARIABLE = "EDGEWRIGHT_ALLOWED_SIGNERS"
Status = Literal[
    "good",
    "unsigned",
    "unknown-key",
    "bad",
    "expired",
    "unsupported",
    "not-in-git",
    "no-commit",
    "uncommitted-changes",
    "no-trusted-signers",
]


@dataclass(frozen=True, slots=True)
class CommitFacts:
    """The commit: `status` is `good`, or why it is not trusted; signer and key when it is."""

    signed: bool
    status: Status
    id: str | None = None
    signer: str | None = None
    key: str | None = None


def commit_facts(root: Path, checked: CheckedCommit | None = None) -> CommitFacts:
    """The commit that is checked: the one that is named, or that of a working tree which has no other changes."""
    if checked is not None:
        return _signature(checked.repository, resolve(checked.repository, checked.id))
    if find_git(root) is None:
        return CommitFacts(signed=False, status="not-in-git")
    commit = head(root)
    if commit is None:
        return CommitFacts(signed=False, status="no-commit")
    if is_dirty(root):
        return CommitFacts(signed=False, status="uncommitted-changes", id=commit.id)
    return _signature(root, commit)


def _signature(root: Path, commit: Commit) -> CommitFacts:
    trusted = _trusted(root, commit.id)
    if trusted is None:
        return CommitFacts(signed=False, status="no-trusted-signers", id=commit.id)
    found = verify_commit(root, commit, trusted)
    return CommitFacts(found.is_good, found.status.value, commit.id, found.principal, found.key)


def _trusted(root: Path, commit: str) -> bytes | None:
    given = os.environ.get(VARIABLE)
    if given:
        return read_bounded(Path(given), LARGEST_BYTES)
    return _of_parent(root, commit)


def _of_parent(root: Path, commit: str) -> bytes | None:
    """The list as it was before the commit; `commit` is a full id."""
    folder = require_git(root)
    name = f"{commit}^1:{folder.path(FILE)}"
    size = git(folder, "cat-file", "-s", name)
    text = size.stdout.decode(errors="replace").strip()
    if size.returncode != 0 or not text.isdecimal() or int(text) > LARGEST_BYTES:
        return None
    found = git(folder, "cat-file", "blob", name)
    return found.stdout if found.returncode == 0 else None
