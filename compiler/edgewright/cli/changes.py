"""From two revisions to what the change between them does: loads both sides and hands them to the pure comparison.

The side before is where the branch left its base, so what others merged meanwhile is no part of the change. It is read
from Git's objects; what is wrong with it is a note, because the change may be what mends it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edgewright.build.store import Store
from edgewright.check.run import check
from edgewright.check.signers import FILE as SIGNERS
from edgewright.cli.known import KnownResults
from edgewright.cli.revisions import open_empty, open_revision
from edgewright.cli.sides import Side
from edgewright.kernel.diagnostics import Diagnostic, EdgewrightError, Severity, Span
from edgewright.kernel.digest import digest_file
from edgewright.load.chosen import chosen_names
from edgewright.load.documents import Repository, load_environments, load_repository
from edgewright.load.git import Commit, changes, head, merge_base, require_git, resolve
from edgewright.load.git.commits import is_null, is_shallow, shallow_clone
from edgewright.plan.change import ChangeClass, ChangePlan, NextStep, Revision
from edgewright.plan.compare import Pair, Scope, compare
from edgewright.plan.sides import FleetSide, PlannedWave
from edgewright.plan.step import VERSION, version_not_raised
from edgewright.plugins.registry import Registry

WORKING_TREE = "working tree"
NOTHING = "nothing"
_OF_BUILDS = frozenset({"git-lfs-pointer", "model-missing"})
"""What a build needs and a plan does not: content that Git LFS keeps, or that is too large to lay out."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What a change does, and what is wrong with it although each document is right; places are those after it."""

    change: ChangePlan
    problems: tuple[Diagnostic, ...]


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
) -> Planned:
    """What the change from `base` to `revision` (the working tree when None) does to the fleet.

    The null object id, which forges name before a first push, is a base that holds nothing.
    """
    ends = _find_ends(repository, base, revision)
    before, after = (_load(folder, environment) for folder in (ends.before, ends.after))
    if environment is not None and not before and not after:
        load_repository(ends.after, environment=environment)  # says that there is no such environment
    _require_right(after.values(), has_blueprints=any(found.blueprints for found in before.values()))
    known = {name for found in (*before.values(), *after.values()) for name in found.blueprints}
    names = chosen_names(known, selectors)
    sides = _Sides(repository, Registry(), KnownResults(Store()))
    pairs: list[Pair] = []
    cohorts: set[tuple[str, str]] = set()
    fleets: list[FleetSide] = []
    environments = sorted({*before, *after}, key=lambda name: name or "")
    for name in environments:
        old, new = (sides.side(found[name]) if name in found else None for found in (before, after))
        pairs += _pairs(names, name, old, new)
        if new is not None:
            mine = [new.blueprints[item].document for item in names if item in new.blueprints]
            cohorts |= {(item.metadata.name, target) for item in mine for b in item.spec.builds for target in b.targets}
            fleets += [new.fleet(fleet) for fleet in sorted({item.spec.fleet.ref for item in mine})]
    scope = Scope(cohorts, fleets, tuple(name for name in environments if name) if environment is None else ())
    notes = dict.fromkeys(note for name in environments for note in _notes(before.get(name), after.get(name)))
    change = compare(ends.base, ends.head, pairs, scope, (*ends.notes, *notes))
    return Planned(change, _not_raised(change, after))


def _not_raised(plan: ChangePlan, after: Mapping[str | None, Repository]) -> tuple[Diagnostic, ...]:
    """Versions that should have been raised: each place once, whatever the number of environments."""
    found: dict[tuple[str, str, str, Span], set[ChangeClass]] = {}
    for change in plan.blueprints:
        old, new = change.version_before, change.version_after
        if change.step is not NextStep.RAISE_VERSION or old is None or new is None:
            continue
        for environment in change.environments:
            span = after[environment].blueprints[change.name].spans.span(VERSION)
            found.setdefault((change.name, old, new, span), set()).update(change.classes)
    return tuple(version_not_raised(name, old, new, classes, span) for (name, old, new, span), classes in found.items())


def _load(folder: Path, environment: str | None) -> dict[str | None, Repository]:
    """The documents in one environment, or without and in all of them; nothing in one that does not exist."""
    if environment is None:
        return {found.environment: found for found in load_environments(folder)}
    try:
        return {environment: load_repository(folder, keep_problems=True, environment=environment)}
    except EdgewrightError as error:
        if error.diagnostics[0].slug != "unknown-environment":
            raise
        return {}


@dataclass(slots=True)
class _Sides:
    """Makes sides that share what is the same for them."""

    results: Path
    registry: Registry
    known: KnownResults
    fleets: dict[object, FleetSide] = field(default_factory=dict)
    waves: dict[tuple[object, ...], tuple[PlannedWave, ...]] = field(default_factory=dict)

    def side(self, repository: Repository) -> Side:
        return Side(repository, self.registry, self.known, self.results, fleets=self.fleets, waves_cut=self.waves)


def _pairs(names: Sequence[str], environment: str | None, before: Side | None, after: Side | None) -> Iterator[Pair]:
    """The blueprints that differ."""
    for name in names:
        old = before if before is not None and name in before.blueprints else None
        new = after if after is not None and name in after.blueprints else None
        if (old is None and new is None) or (old and new and old.identity(name) == new.identity(name)):
            continue
        waves = new.waves(new.blueprints[name].document) if new else ()
        yield Pair(name, old.blueprint(name) if old else None, new.blueprint(name) if new else None, waves, environment)


def _find_ends(repository: Path, base: str, revision: str | None) -> _Ends:
    folder = require_git(repository)
    tip = None if is_null(base) else resolve(repository, base)
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
    if tip is None:
        return _Ends(open_empty(), after, Revision(NOTHING, None), name, ())
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


def _require_right(repositories: Iterable[Repository], *, has_blueprints: bool) -> None:
    """Raise with every error of the documents after the change; removing the last blueprint is none.

    The organisation's policies are left to `check`: a plan of what they forbid is what their owner wants to see.
    """
    registry = Registry()
    found = {item for repository in repositories for item in check(repository, registry, policies=False)}
    allowed = _OF_BUILDS | ({"no-blueprint"} if has_blueprints else set())
    wrong = [item for item in found if item.severity is Severity.ERROR and item.slug not in allowed]
    if wrong:
        raise EdgewrightError(*wrong)


def _notes(before: Repository | None, after: Repository | None) -> Iterator[str]:
    where = f" in {after.environment}" if after is not None and after.environment else ""
    errors = sum(problem.severity is Severity.ERROR for problem in before.problems) if before else 0
    if errors:
        yield f"before the change {errors:,} errors are in the documents{where}: wrong ones count as absent"
    if before is None or after is None:
        return
    old, new = (digest_file(path) if path.is_file() else None for path in (before.root / SIGNERS, after.root / SIGNERS))
    if old != new:
        yield "allowed_signers differs: who may sign for the fleet changes"
    for name in sorted({*before.policies, *after.policies}):
        one, other = before.policies.get(name), after.policies.get(name)
        if one is None or other is None:
            yield f"the policy {name} is {'new' if one is None else 'removed'}{where}"
        elif one.digest != other.digest:
            yield f"the policy {name} differs{where}"
