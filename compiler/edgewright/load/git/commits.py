"""Commits: what a name of a revision means, and the few facts of a commit that people are shown.

A revision's name is a user's text (in CI, a stranger's): it is held to plain characters, never starts with a dash, and
stands behind `--end-of-options`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from edgewright.kernel.diagnostics import EdgewrightError, ExitCode, did_you_mean, fail
from edgewright.load.git.command import GitFolder, find_git, git, git_failed, require_git

OBJECT_ID = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_LONGEST_NAME = 256
_LONGEST_SUBJECT = 120
_LARGEST_COMMIT_BYTES = 1 << 20
_REFS_NAMED = 2000
_AUTHOR = re.compile(rb"author .*> (-?[0-9]{1,12}) [+-][0-9]{4}")


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit: full ids of it and of its tree, when it was authored, the first line of its message, made plain."""

    id: str
    tree: str
    authored: datetime
    subject: str

    @property
    def short_id(self) -> str:
        """The first 12 digits, for people."""
        return self.id[:12]


def resolve(root: Path, ref: str) -> Commit:
    """The commit that `ref` (branch, tag, id, `HEAD~2`) names in the Git repository around `root`.

    Raises `unknown-revision` with the closest name, `shallow-clone` when the history may only be missing here (exit 2),
    and `not-a-git-repository`.
    """
    folder = require_git(root)
    shown = _plain(ref)[:80]
    if not ref or len(ref) > _LONGEST_NAME or ref.startswith("-") or not ref.isprintable():
        raise fail(
            "unknown-revision",
            f"{shown!r} cannot name a revision: 1 to {_LONGEST_NAME} printable characters, no dash in front",
            exit_code=ExitCode.USAGE,
            subject=shown,
            hint="give a branch, a tag or a commit",
        )
    found = git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    name = found.stdout.decode(errors="replace").strip()
    if found.returncode != 0 or OBJECT_ID.fullmatch(name) is None:
        raise _unknown(folder, ref, shown)
    return _read(folder, name)


def is_null(ref: str) -> bool:
    """Whether it is the null object id, which names no object: forges say it for the state before a first push."""
    return OBJECT_ID.fullmatch(ref) is not None and not ref.strip("0")


def head(root: Path) -> Commit | None:
    """The commit that is checked out; None outside Git and before the first commit."""
    folder = find_git(root)
    if folder is None:
        return None
    found = git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", "HEAD^{commit}")
    return _read(folder, found.stdout.decode().strip()) if found.returncode == 0 else None


def merge_base(root: Path, one: Commit, other: Commit) -> Commit | None:
    """Where two commits parted; None when they share no history, or a shallow clone lacks it."""
    folder = require_git(root)
    found = git(folder, "merge-base", "--end-of-options", one.id, other.id)
    name = found.stdout.decode(errors="replace").split()
    return _read(folder, name[0]) if found.returncode == 0 and name else None


def is_shallow(folder: GitFolder) -> bool:
    """Whether the history was cut off by `git clone --depth`."""
    return git(folder, "rev-parse", "--is-shallow-repository").stdout.strip() == b"true"


def shallow_clone(folder: GitFolder, what: str) -> EdgewrightError:
    """The exception for history that is not here because the clone is shallow."""
    return fail(
        "shallow-clone",
        f"{what} is not in this clone, which has a part of the history only",
        exit_code=ExitCode.USAGE,
        subject=str(folder.toplevel),
        hint="fetch the whole history: fetch-depth: 0 for actions/checkout, GIT_DEPTH: 0 on GitLab, "
        "git fetch --unshallow by hand",
    )


def _unknown(folder: GitFolder, ref: str, shown: str) -> EdgewrightError:
    if is_shallow(folder):
        return shallow_clone(folder, f"the revision {shown!r}")
    listed = git(
        folder,
        "for-each-ref",
        "--format=%(refname:short)",
        f"--count={_REFS_NAMED}",
        "refs/heads",
        "refs/tags",
        "refs/remotes",
    )
    names = [_plain(name) for name in listed.stdout.decode(errors="replace").splitlines()]
    remote = next((name for name in names if name.endswith(f"/{ref}")), None)
    hint = f"did you mean {remote!r}?" if remote else did_you_mean(ref, names)
    return fail(
        "unknown-revision",
        f"there is no revision {shown!r} in {folder.toplevel.name}",
        exit_code=ExitCode.USAGE,
        subject=shown,
        hint=hint[:300] if hint else "the repository has no commit yet",
    )


def _read(folder: GitFolder, name: str) -> Commit:
    size = git(folder, "cat-file", "-s", name)
    if size.returncode != 0 or int(size.stdout) > _LARGEST_COMMIT_BYTES:
        raise git_failed(folder, f"read the commit {name[:12]}", size)
    found = git(folder, "cat-file", "commit", name)
    if found.returncode != 0:
        raise git_failed(folder, f"read the commit {name[:12]}", found)
    headers, _, message = found.stdout.partition(b"\n\n")
    lines = headers.split(b"\n")
    tree = lines[0].removeprefix(b"tree ").decode(errors="replace")
    author = next((match for line in lines if (match := _AUTHOR.fullmatch(line))), None)
    subject = _plain(message.lstrip().split(b"\n", 1)[0].decode(errors="replace"))[:_LONGEST_SUBJECT]
    return Commit(name, tree, _moment(int(author[1]) if author else 0), subject)


def _moment(seconds: int) -> datetime:
    latest = int(datetime(9999, 1, 1, tzinfo=UTC).timestamp())
    return datetime.fromtimestamp(min(max(seconds, 0), latest), UTC)


def _plain(text: str) -> str:
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
