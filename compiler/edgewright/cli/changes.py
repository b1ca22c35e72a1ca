"""From two revisions to what the change between them does: loads both sides and hands them to the pure comparison.

The side before is where the branch left its base, so what others merged meanwhile is no part of the change. It is read
from Git's objects; what is wrong with it is a note, because the change may be what mends it.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgewright.build.store import Store
from edgewright.check.run import check
from edgewright.cli.known import KnownResults
from edgewright.cli.revisions import open_empty, open_revision
from edgewright.cli.sides import Side
from edgewright.kernel.diagnostics import EdgewrightError, ExitCode, Severity, did_you_mean, fail
from edgewright.kernel.digest import digest_file
from edgewright.load.documents import Repository, load_repository
from edgewright.load.git import Commit, changes, head, merge_base, require_git, resolve
from edgewright.load.git.commits import is_shallow, shallow_clone
from edgewright.package.trust import FILE as SIGNERS
from edgewright.plan.change import ChangePlan, Revision
from edgewright.plan.compare import Pair, Unchanged, compare
from edgewright.plugins.registry import Registry

WORKING_TREE = "working tree"
_OF_BUILDS = frozenset({"git-lfs-pointer", "model-missing"})
"""What a build needs and a plan does not: content that Git LFS keeps, or that is too large to lay out."""


@dataclass(frozen=True, slots=True)
class _Ends:
    """Both ends of a change: their folders, names and commits; notes on how they were found."""

    before: Path
    after: Path
    base: Revision
    head: Revision
    notes: tuple[str, ...]


def plan_change(
    repository: Path, base: str, revision: str | None, selectors: Sequence[str], environment: str | None = None
) -> ChangePlan:
    """What the change from `base` to `revision` (the working tree when None) does to the fleet."""
    ends = _find_ends(repository, base, revision)
    registry, known = Registry(), KnownResults(Store())
    before, after = (
        Side(load_repository(folder, keep_problems=True, environment=environment), registry, known, repository)
        for folder in (ends.before, ends.after)
    )
    _require_right(after, has_blueprints=bool(before.blueprints))
    names = _selected([*before.blueprints, *after.blueprints], selectors)
    fleets = {after.blueprints[name].document.spec.fleet.ref for name in names if name in after.blueprints}
    counts = {name: len(after.fleet(name).devices) for name in sorted(fleets)}
    before.share_fleets(after)
    same = [
        name
        for name in names
        if name in before.blueprints and name in after.blueprints and before.identity(name) == after.identity(name)
    ]
    cohorts = sum(len(build.targets) for name in same for build in after.blueprints[name].document.spec.builds)
    pairs = [_pair(name, before, after) for name in names if name not in set(same)]
    notes = (*ends.notes, *_notes(before.repository, after.repository))
    return compare(ends.base, ends.head, pairs, Unchanged(same, cohorts, counts), notes)


def _pair(name: str, before: Side, after: Side) -> Pair:
    loaded = after.blueprints.get(name)
    return Pair(
        name,
        before.blueprint(name) if name in before.blueprints else None,
        after.blueprint(name) if loaded else None,
        after.waves(loaded.document) if loaded else (),
    )


def _find_ends(repository: Path, base: str, revision: str | None) -> _Ends:
    folder = require_git(repository)
    tip = resolve(repository, base)
    notes: list[str] = []
    if revision is not None:
        commit: Commit | None = resolve(repository, revision)
        assert commit is not None
        after = open_revision(repository, commit).folder
        name = Revision(revision, commit.id, commit.subject)
    else:
        commit, after = head(repository), repository
        is_clean = commit is not None and not changes(repository)
        name = Revision(WORKING_TREE, commit.id if commit and is_clean else None, commit.subject if commit else None)
    start = merge_base(repository, tip, commit) if commit else tip
    if start is None and is_shallow(folder):
        raise shallow_clone(folder, f"the commit where {name.name} left {base}")
    if start is None:
        start = tip
        notes.append(f"{base} and {name.name} share no history: compared with {base} as it is")
    elif start != tip:
        notes.append(f"{base} has moved on since {start.short_id}, where {name.name} left it: compared with that")
    before, more = _open_base(repository, start)
    return _Ends(before, after, Revision(base, start.id, start.subject), name, (*notes, *more))


def _open_base(repository: Path, commit: Commit) -> tuple[Path, list[str]]:
    try:
        found = open_revision(repository, commit, keep_going=True)
    except EdgewrightError as error:
        if error.diagnostics[0].slug != "git-no-folder":
            raise
        return open_empty(), [f"{error.diagnostics[0].message}: everything in it is new"]
    return found.folder, [f"before the change: {problem.message}; left out" for problem in found.refused]


def _require_right(side: Side, *, has_blueprints: bool) -> None:
    """Raise with every error of the documents after the change; removing the last blueprint is none.

    The organisation's policies are left to `check`: a plan of what they forbid is what their owner wants to see.
    """
    found = check(side.repository, side.registry, policies=False)
    allowed = _OF_BUILDS | ({"no-blueprint"} if has_blueprints else set())
    wrong = [item for item in found if item.severity is Severity.ERROR and item.slug not in allowed]
    if wrong:
        raise EdgewrightError(*wrong)


def _selected(names: Sequence[str], selectors: Sequence[str]) -> list[str]:
    known = sorted(set(names))
    for selector in selectors:
        if not fnmatch.filter(known, selector):
            raise fail(
                "unknown-blueprint",
                f"there is no blueprint {selector!r}",
                exit_code=ExitCode.USAGE,
                subject=selector,
                hint=did_you_mean(selector, known),
            )
    if not selectors:
        return known
    return sorted({name for selector in selectors for name in fnmatch.filter(known, selector)})


def _notes(before: Repository, after: Repository) -> Iterator[str]:
    errors = sum(problem.severity is Severity.ERROR for problem in before.problems)
    if errors:
        yield f"before the change {errors:,} errors are in the documents: wrong ones count as absent"
    old, new = (digest_file(path) if path.is_file() else None for path in (before.root / SIGNERS, after.root / SIGNERS))
    if old != new:
        yield "allowed_signers differs: who may sign for the fleet changes"
    for name in sorted({*before.policies, *after.policies}):
        one, other = before.policies.get(name), after.policies.get(name)
        if one is None or other is None:
            yield f"the policy {name} is {'new' if one is None else 'removed'}"
        elif one.digest != other.digest:
            yield f"the policy {name} differs"
