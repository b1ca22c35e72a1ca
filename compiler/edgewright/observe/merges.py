"""Who wrote and who merged a commit, as far as the repository's Git is here to ask.

Owns the reading of commit headers. Must not run anything of the repository: `load.git` sees to that. Invariants: an
absent Git, an unknown or cut-off commit gives less, never an error; names are shown as one printable line.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from edgewright.kernel.clock import rfc3339
from edgewright.load.git.command import GitFolder, find_git, git
from edgewright.load.git.commits import OBJECT_ID
from edgewright.observe.report import shown

_PERSON = re.compile(r"(?P<who>.*>) (?P<at>-?[0-9]{1,12}) [+-][0-9]{4}")


@dataclass(frozen=True, slots=True)
class Person:
    """`Name <address>` as the commit has it, and when."""

    who: str
    at: str


@dataclass(frozen=True, slots=True)
class CommitFacts:
    """A commit. `merge` is the commit that brought it to the branch that is checked out, None where none was needed."""

    id: str
    author: Person | None = None
    committer: Person | None = None
    merge: str | None = None
    merged_by: Person | None = None
    is_found: bool = False


def commit_facts(root: Path, commit: str) -> CommitFacts:
    """What Git knows of a commit; only its id where Git, the repository or the commit is not here."""
    if shutil.which("git") is None or OBJECT_ID.fullmatch(commit) is None:
        return CommitFacts(commit)
    folder = find_git(root)
    header = None if folder is None else _header(folder, commit)
    if folder is None or header is None:
        return CommitFacts(commit)
    author, committer, parents = header
    merge = commit if parents > 1 else _merge_of(folder, commit)
    merged = _header(folder, merge) if merge is not None else None
    return CommitFacts(commit, author, committer, merge, merged[1] if merged else None, is_found=True)


def _header(folder: GitFolder, commit: str) -> tuple[Person | None, Person | None, int] | None:
    """Author, committer and number of parents."""
    found = git(folder, "cat-file", "commit", commit)
    if found.returncode != 0:
        return None
    people: dict[str, Person | None] = {}
    parents = 0
    for line in found.stdout.partition(b"\n\n")[0].decode(errors="replace").split("\n"):
        key, _, value = line.partition(" ")
        if key in {"author", "committer"}:
            people.setdefault(key, _person(value))
        parents += key == "parent"
    return people.get("author"), people.get("committer"), parents


def _person(text: str) -> Person | None:
    match = _PERSON.fullmatch(text)
    if match is None:
        return None
    try:
        at = rfc3339(datetime.fromtimestamp(int(match["at"]), UTC))
    except (ValueError, OverflowError, OSError):
        return None
    return Person(shown(match["who"], 200) or "", at)


def _merge_of(folder: GitFolder, commit: str) -> str | None:
    """The oldest commit on the checked-out branch's own line with `commit` below it; None where it is on that line."""
    span = f"{commit}..HEAD"
    line = git(folder, "rev-list", "--first-parent", "--end-of-options", span).stdout.decode().split()
    above = set(git(folder, "rev-list", "--ancestry-path", "--end-of-options", span).stdout.decode().split())
    candidates = [name for name in line if name in above]
    if not candidates:
        return None
    header = _header(folder, candidates[-1])
    first = git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{candidates[-1]}^1")
    is_on_line = first.stdout.decode().strip() == commit
    return candidates[-1] if header is not None and header[2] > 1 and not is_on_line else None
