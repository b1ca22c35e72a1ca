"""Documents: a fleet repository as typed values, each with the place of every key and value it was read from.

Owns which document a name means. Reads files, never writes, never follows a link. Loading goes in stages (`drafts` has
the first ones): drafts are merged with the overlays of an environment, validated by their model, and shelved by name.
Invariant: nobody works on a repository with wrong documents by accident: they are raised, all at once, unless the
caller asks to keep them in `problems`, as `check` does to report them together with its own findings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from edgewright.kernel.diagnostics import (
    Diagnostic,
    EdgewrightError,
    Related,
    Severity,
    Span,
    did_you_mean,
    fail,
)
from edgewright.kernel.digest import Digest, digest_json
from edgewright.kernel.resources import share_folder
from edgewright.load.applied import apply, explained
from edgewright.load.chosen import chosen_names
from edgewright.load.drafts import Draft, Origin, Reading, read_drafts, validate
from edgewright.load.fleet import FleetDevices, FleetReader
from edgewright.load.inheritance import inherit
from edgewright.load.overlays import Overlays, environments_of, is_among, split, unknown_environment
from edgewright.load.remarks import Remark
from edgewright.load.sites import Sites
from edgewright.load.tree import SHIPPED, Candidate, find_candidates, require_folder
from edgewright.load.yaml12 import SpanMap
from edgewright.spec.v1beta1.blueprint import Blueprint
from edgewright.spec.v1beta1.compression import CompressionPolicy
from edgewright.spec.v1beta1.documents import API_VERSION, KINDS
from edgewright.spec.v1beta1.fleet import Fleet
from edgewright.spec.v1beta1.lock import Lock
from edgewright.spec.v1beta1.policy import Policy
from edgewright.spec.v1beta1.target import Target

T = TypeVar("T")
_SHIPPED_FOLDERS = ("targets/profiles", "blueprints/policies")
_ORGANISATION = "blueprints/policies/organisation"
"""Read only when a policy extends one of them."""


@dataclass(frozen=True, slots=True)
class Loaded(Generic[T]):
    """A document and where it came from.

    `path` is its file, relative to the repository; `spans` has the place of every part, which may be in an overlay;
    `digest` is of everything that was merged, `origins` are those files. `value` is the document as it was written,
    merged and in the newest version's shape; `version` is what its file says. `sites` is what overlays say of the hosts
    of a fleet's inventory.
    """

    path: str
    document: T
    spans: SpanMap
    digest: Digest
    value: Any = None
    origins: tuple[Origin, ...] = ()
    version: str = API_VERSION
    sites: Sites = ()


@dataclass(frozen=True, slots=True)
class Repository:
    """A fleet repository: its documents by name. Targets and policies include those that ship with edgewright.

    `broken` holds (kind, name) of documents that exist and are wrong, so that nobody reports them as unknown; `unread`,
    the files of which not even that much is known. `environment` is the one whose overlays were merged. `remarks` are
    comments that speak to edgewright.
    """

    root: Path
    blueprints: Mapping[str, Loaded[Blueprint]]
    fleets: Mapping[str, Loaded[Fleet]]
    compression_policies: Mapping[str, Loaded[CompressionPolicy]]
    targets: Mapping[str, Loaded[Target]]
    locks: Mapping[str, Loaded[Lock]]
    policies: Mapping[str, Loaded[Policy]] = field(default_factory=dict)
    problems: tuple[Diagnostic, ...] = ()
    broken: frozenset[tuple[str, str]] = frozenset()
    unread: tuple[str, ...] = ()
    environment: str | None = None
    remarks: tuple[Remark, ...] = ()
    is_selection: bool = False
    fleet_reader: FleetReader = field(default_factory=FleetReader, compare=False, repr=False)

    @property
    def shelves(self) -> Mapping[str, Mapping[str, Loaded[Any]]]:
        """Every document that is right, by kind and name."""
        return {
            "Blueprint": self.blueprints,
            "Fleet": self.fleets,
            "CompressionPolicy": self.compression_policies,
            "Target": self.targets,
            "Lock": self.locks,
            "Policy": self.policies,
        }

    @property
    def files(self) -> frozenset[str]:
        """The files of those documents and of what was merged into them, with what ships with edgewright."""
        loaded = [item for shelf in self.shelves.values() for item in shelf.values()]
        return frozenset(path for item in loaded for path in (item.path, *(origin.path for origin in item.origins)))

    def devices_of(self, fleet: str) -> FleetDevices:
        """The devices of a fleet, from its document or its inventory, which is read at the first call."""
        loaded = self.fleets[fleet]
        return self.fleet_reader.read(loaded.document, self.root, loaded.sites, loaded.digest)

    def fleet_of(self, blueprint: Loaded[Blueprint]) -> Loaded[Fleet]:
        """The fleet that a blueprint goes to; one that there is not is refused where the blueprint names it."""
        wanted = blueprint.document.spec.fleet.ref
        if wanted not in self.fleets:
            raise fail(
                "unknown-fleet",
                f"there is no fleet {wanted!r}",
                span=blueprint.spans.span(("spec", "fleet", "ref")),
                hint=did_you_mean(wanted, self.fleets) or "the repository has no document of kind Fleet",
            )
        return self.fleets[wanted]


@dataclass(slots=True)
class _Shelf:
    """Documents by kind and name, and what is wrong with the others."""

    problems: list[Diagnostic]
    broken: set[tuple[str, str]]
    found: dict[str, dict[str, Loaded[Any]]] = field(default_factory=lambda: {kind: {} for kind in KINDS})

    def add(self, kind: str, loaded: Loaded[Any]) -> None:
        name = loaded.document.metadata.name
        span = loaded.spans.span(("metadata", "name"))
        first = self.found[kind].get(name)
        if first is not None:
            other = first.spans.span(("metadata", "name"))
            message = f"{kind} {name!r} is defined twice; the other is at {other}"
            self.problems.append(Diagnostic("duplicate-name", message, span=span, hint="rename one, or remove it"))
            return
        self.found[kind][name] = loaded


def load_repository(
    root: Path, *, selectors: Sequence[str] = (), keep_problems: bool = False, environment: str | None = None
) -> Repository:
    """Read a fleet repository. `selectors` are names or globs of blueprints; one that matches none is refused.

    With an `environment` its overlays are merged. Raises with everything that is wrong with the documents themselves,
    unless `keep_problems`.
    """
    source = _read(root)
    if environment is not None and environment not in source.environments:
        raise unknown_environment(environment, source.environments)
    repository = _repository(root, source, selectors, environment)
    if not keep_problems and any(problem.severity is Severity.ERROR for problem in repository.problems):
        raise EdgewrightError(*sorted(repository.problems, key=lambda problem: problem.sort_key))
    return repository


def load_environments(root: Path, *, selectors: Sequence[str] = ()) -> tuple[Repository, ...]:
    """A repository without an environment, then in each of its environments, with problems kept.

    It is read once, and a document that no overlay of the environment touches is the same object in all of them.
    """
    source = _read(root)
    return tuple(_repository(root, source, selectors, name) for name in (None, *source.environments))


@dataclass(frozen=True, slots=True)
class _Source:
    """What was read of a repository. `overlays` is None when it has none; `known` are validated drafts."""

    reading: Reading
    shipped: _Shelf
    environments: tuple[str, ...]
    overlays: Overlays | None
    known: dict[int, tuple[Loaded[Any] | None, list[Diagnostic]]] = field(default_factory=dict)
    fleet_reader: FleetReader = field(default_factory=FleetReader)


def _read(root: Path) -> _Source:
    require_folder(root)
    reading = read_drafts(find_candidates(root))
    paths = [path for path in (*(draft.path for draft in reading.drafts), *reading.unread) if is_among(path)]
    has_overlays = bool(paths) or any(draft.kind == "Overlay" for draft in reading.drafts)
    return _Source(reading, _shipped(), environments_of(paths), split(reading.drafts) if has_overlays else None)


def _merged(source: _Source, environment: str | None) -> _Shelf:
    """The repository's own documents in an environment."""
    reading = source.reading
    if source.overlays is None:
        return _shelved(reading, source.known)
    applied = apply(source.overlays, environment, reading.broken)
    shelf = _shelved(replace(reading, drafts=applied.drafts), source.known)
    shelf.problems += [*source.overlays.problems, *applied.problems]
    fleets = shelf.found["Fleet"]
    if applied.sites:
        fleets |= {name: replace(fleet, sites=applied.sites.get(fleet.path, ())) for name, fleet in fleets.items()}
    return shelf


def _repository(root: Path, source: _Source, selectors: Sequence[str], environment: str | None) -> Repository:
    reading, shipped = source.reading, source.shipped
    own = _merged(source, environment)
    policies, problems = inherit(shipped.found["CompressionPolicy"] | own.found["CompressionPolicy"], own.broken)
    broken = own.broken | {
        ("CompressionPolicy", name) for name in own.found["CompressionPolicy"] if name not in policies
    }
    return Repository(
        root=root.resolve(),
        blueprints=_selected(own, selectors),
        fleets=own.found["Fleet"],
        compression_policies=cast("Mapping[str, Loaded[CompressionPolicy]]", policies),
        targets=shipped.found["Target"] | own.found["Target"],
        locks=own.found["Lock"],
        policies=own.found["Policy"],
        problems=(*shipped.problems, *own.problems, *problems),
        broken=frozenset(broken),
        unread=tuple(reading.unread),
        environment=environment,
        remarks=tuple(reading.remarks),
        is_selection=bool(selectors),
        fleet_reader=source.fleet_reader,
    )


def shipped_targets() -> Mapping[str, Loaded[Target]]:
    """The profiles that ship with edgewright, by name."""
    return _shipped().found["Target"]


def shipped_policies() -> Mapping[str, Loaded[Policy]]:
    """The organisation policies that ship with edgewright: examples, which hold for nobody who does not extend them."""
    candidates = find_candidates(share_folder() / _ORGANISATION, prefix=f"{SHIPPED}{_ORGANISATION}/")
    return _shelved(read_drafts(candidates)).found["Policy"]


@cache
def _shipped() -> _Shelf:
    """What ships with edgewright does not change while a process runs."""
    return _shelved(read_drafts(_shipped_candidates()))


def _shipped_candidates() -> Iterator[Candidate]:
    for folder in _SHIPPED_FOLDERS:
        for candidate in find_candidates(share_folder() / folder, prefix=f"{SHIPPED}{folder}/"):
            if not candidate.path.startswith(f"{SHIPPED}{_ORGANISATION}/"):
                yield candidate


def _selected(shelf: _Shelf, selectors: Sequence[str]) -> dict[str, Loaded[Blueprint]]:
    blueprints: dict[str, Loaded[Blueprint]] = shelf.found["Blueprint"]
    known = [*blueprints, *(name for kind, name in shelf.broken if kind == "Blueprint")]
    chosen = set(chosen_names(known, selectors))
    return {name: loaded for name, loaded in blueprints.items() if name in chosen}


def _shelved(reading: Reading, known: dict[int, tuple[Loaded[Any] | None, list[Diagnostic]]] | None = None) -> _Shelf:
    """Validate drafts and put them on a shelf; `known` has those that were validated before, by identity."""
    shelf = _Shelf(list(reading.problems), set(reading.broken))
    known = {} if known is None else known
    said: set[tuple[str, Span | None]] = set()
    for draft in reading.drafts:
        loaded, errors = known.get(id(draft)) or _loaded(draft)
        if len(draft.origins) == 1:  # it lives as long as what was read, so its identity stays its own
            known[id(draft)] = loaded, errors
        for error in errors:
            # one mistake of an overlay is one report, however many documents it was merged into
            is_merged = error.span is not None and error.span.path != draft.path
            if not is_merged or (error.slug, error.span) not in said:
                shelf.problems.append(error)
            said.add((error.slug, error.span))
        if loaded is not None:
            shelf.add(draft.kind, loaded)
        elif draft.name is not None:
            shelf.broken.add((draft.kind, draft.name))
    return shelf


def merged_into(diagnostic: Diagnostic, subject: str, path: str, where: Span) -> Diagnostic:
    """A diagnostic that lies in an overlay says which document it was merged into; `path` is that document's file."""
    if diagnostic.span is None or diagnostic.span.path == path:
        return diagnostic
    return replace(diagnostic, related=(*diagnostic.related, Related(where, f"merged into {subject}")))


def _loaded(draft: Draft) -> tuple[Loaded[Any] | None, list[Diagnostic]]:
    document, errors = validate(draft.parsed, KINDS[draft.kind])
    if len(draft.origins) > 1:
        where = draft.parsed.spans.span(("metadata", "name"))
        told = [merged_into(error, f"{draft.kind} {draft.name}", draft.path, where) for error in errors]
        errors = explained(told, draft)
    if document is None or not draft.is_whole:
        return None, errors
    digests = [origin.digest for origin in draft.origins]
    digest = digests[0] if len(digests) == 1 else digest_json(digests)
    value, spans = draft.parsed.value, draft.parsed.spans
    return Loaded(draft.path, document, spans, digest, value, draft.origins, draft.version), errors
