"""Facts: what the expressions of a policy see of a blueprint and of what it names, each under one variable.

Owns the names and types of the variables and how their values are found. Values are made when the first expression asks
for them, so a rule that does not read the commit starts no git, and one that does not read the fleet counts no device.
What is absent is left out of a mapping; reading it without `has(…)` breaks the rule rather than keeping it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date
from functools import cache, cached_property
from typing import Any

from pydantic.alias_generators import to_camel

from edgewright.check.policies.commit import CommitFacts, commit_facts
from edgewright.check.policies.shapes import Shape, shape_of
from edgewright.check.revision import CheckedCommit
from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Span
from edgewright.load.documents import Loaded, Repository
from edgewright.load.places import Path
from edgewright.spec.base import Model
from edgewright.spec.v1beta1.blueprint import Blueprint, Source, Task
from edgewright.spec.v1beta1.compression import Method
from edgewright.spec.v1beta1.fleet import Fleet
from edgewright.spec.v1beta1.lock import EntryKind, LockEntry
from edgewright.spec.v1beta1.target import Architecture

MOST_GROUPS = 1000
"""Groups in `fleet.groups`; beyond it a rule has to judge each group by itself, which has no limit."""


@dataclass(frozen=True, slots=True)
class ModelFact:
    """The model: what the blueprint says, and licence and size from the lock."""

    task: Task
    source: Source
    context: int
    labels: Mapping[str, str]
    license: str | None = None
    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class TargetFact:
    """A target that the blueprint builds, by which backend and method; sizes in bytes, power in watts."""

    name: str
    labels: Mapping[str, str]
    architecture: Architecture
    os: str
    cores: int
    memory: int
    memory_for_model: int
    disk: int
    memory_bandwidth: float
    power: float
    backend: str
    method: Method


@dataclass(frozen=True, slots=True)
class DatasetFact:
    """A dataset that the blueprint reads."""

    path: str
    use: str
    labels: Mapping[str, str]
    license: str | None = None
    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class GroupFact:
    """Devices of the fleet that are alike: one target, one site, the same labels."""

    target: str
    site: str
    labels: Mapping[str, str]
    devices: int


@dataclass(frozen=True, slots=True)
class FleetFact:
    """The fleet: how many devices, and their groups."""

    name: str
    labels: Mapping[str, str]
    devices: int
    groups: tuple[GroupFact, ...]


@dataclass(frozen=True, slots=True)
class EntryFact:
    """An entry of the lock: what it is, its licence as far as one is known, its size."""

    kind: EntryKind
    name: str
    bytes: int
    license: str | None = None
    licenses: tuple[str, ...] = ()
    unlicensed: int = 0


@dataclass(frozen=True, slots=True)
class LockFact:
    """The lock of the blueprint."""

    entries: tuple[EntryFact, ...]


VARIABLES: Mapping[str, Any] = {
    "blueprint": Blueprint,
    "commit": CommitFacts,
    "datasets": tuple[DatasetFact, ...],
    "environment": str,
    "fleet": FleetFact,
    "lock": LockFact,
    "model": ModelFact,
    "targets": tuple[TargetFact, ...],
    "today": str,
}
EACH: Mapping[str, Any] = {"target": TargetFact, "dataset": DatasetFact, "group": GroupFact, "entry": EntryFact}
PLACES: Mapping[str, Path] = {"blueprint": (), "model": ("spec", "model")}
"""Where the blueprint has what a variable shows, as far as its members are keys of the document."""


@cache
def shapes(each: str | None) -> Mapping[str, Shape]:
    """Types of the variables of a rule."""
    found = {name: shape_of(kind) for name, kind in VARIABLES.items()}
    return found | ({each: shape_of(EACH[each])} if each else {})


class UnknownFactError(Exception):
    """A value that nobody can know yet, and why."""


Groups = tuple[tuple[GroupFact, Span], ...]


@dataclass(frozen=True)
class Shared:
    """What is the same for every blueprint, found once: the day, the commit, the groups of each fleet."""

    repository: Repository
    today: date
    checked: CheckedCommit | None = None
    _groups: dict[str, Groups] = field(default_factory=dict)

    @cached_property
    def commit(self) -> CommitFacts:
        """The commit that is judged, verified."""
        return commit_facts(self.repository.root, self.checked)

    def groups(self, name: str) -> Groups:
        """The groups of a fleet, each with the place of its first device. Raises UnknownFactError."""
        if name not in self._groups:
            self._groups[name] = self._grouped(name)
        return self._groups[name]

    def _grouped(self, name: str) -> Groups:
        loaded = self.repository.fleets.get(name)
        if loaded is None:
            raise UnknownFactError(f"the fleet {name} is not known")
        found = self.repository.devices_of(name)
        if found.problems:
            raise UnknownFactError(f"{len(found.problems):,} hosts of {name} are wrong")
        written = {device.name: index for index, device in enumerate(loaded.document.spec.devices or ())}
        counts: dict[Any, list[Any]] = {}
        for device in found.devices:
            key = (device.target, device.site, tuple(sorted(device.labels.items())))
            counts.setdefault(key, [0, device.name])[0] += 1
        return tuple(
            (GroupFact(target, site, dict(labels), count), _device_place(loaded, written.get(first)))
            for (target, site, labels), (count, first) in counts.items()
        )


def _device_place(loaded: Loaded[Fleet], index: int | None) -> Span:
    """Where a device is written; the inventory's name for one that is in an inventory."""
    path: Path = ("spec", "inventory", "path") if index is None else ("spec", "devices", index)
    return loaded.spans.span(path)


@dataclass(frozen=True)
class Facts:
    """The values for one blueprint. Nothing here asks the clock."""

    subject: Subject
    shared: Shared

    def value(self, name: str) -> Any:
        """The value of a variable as plain lists and mappings. Raises UnknownFactError."""
        return plain(getattr(self, f"_{name}"))

    def each(self, name: str) -> Iterator[tuple[Any, Span]]:
        """Every target, dataset, group or lock entry, with its place."""
        if name == "target":
            for fact, path in self._placed_targets:
                yield plain(fact), self.subject.loaded.spans.span(path)
        elif name == "dataset":
            for dataset, path in self._placed_datasets:
                yield plain(dataset), self.subject.loaded.spans.span(path)
        elif name == "group":
            for group, span in self._placed_groups:
                yield plain(group), span
        else:
            spans = self._locked.spans
            for index, entry in enumerate(self._lock.entries):
                yield plain(entry), spans.span(("spec", "entries", index, "name"))

    @property
    def _blueprint(self) -> Blueprint:
        return self.subject.blueprint

    @property
    def _environment(self) -> str:
        return self.subject.repository.environment or ""

    @property
    def _today(self) -> str:
        return self.shared.today.isoformat()

    @property
    def _commit(self) -> CommitFacts:
        return self.shared.commit

    @cached_property
    def _locked(self) -> Any:
        found = self.subject.repository.locks.get(self.subject.name)
        if found is None:
            raise UnknownFactError(f"{self.subject.name} has no lock yet")
        return found

    @cached_property
    def _lock(self) -> LockFact:
        return LockFact(tuple(map(_entry, self._locked.document.spec.entries)))

    def _entry_of(self, kind: str, name: str) -> EntryFact | None:
        if self.subject.name not in self.subject.repository.locks:
            return None
        return next((e for e in self._lock.entries if e.kind == kind and e.name == name), None)

    @cached_property
    def _model(self) -> ModelFact:
        model = self.subject.blueprint.spec.model
        entry = self._entry_of("model", "model")
        size = entry.bytes if entry else None
        return ModelFact(model.task, model.source, model.context, model.labels, entry.license if entry else None, size)

    @property
    def _targets(self) -> tuple[TargetFact, ...]:
        return tuple(fact for fact, _ in self._placed_targets)

    @cached_property
    def _placed_targets(self) -> tuple[tuple[TargetFact, Path], ...]:
        found = []
        for index, build, compression, _ in self.subject.builds():
            recipe = self.subject.recipe(compression)
            for position, name in enumerate(build.targets):
                loaded = self.subject.repository.targets.get(name)
                if loaded is None or recipe is None:
                    continue  # a name that is not known is reported by its own rule
                spec = loaded.document.spec
                fact = TargetFact(
                    name,
                    loaded.document.metadata.labels,
                    spec.architecture,
                    spec.os,
                    spec.cores,
                    spec.memory,
                    spec.memory_for_model,
                    spec.disk,
                    spec.memory_bandwidth,
                    spec.power,
                    build.backend,
                    recipe.method,
                )
                path: Path = ("spec", "builds", index, "targets", position)
                found.append((fact, path))
        return tuple(found)

    @property
    def _datasets(self) -> tuple[DatasetFact, ...]:
        return tuple(fact for fact, _ in self._placed_datasets)

    @cached_property
    def _placed_datasets(self) -> tuple[tuple[DatasetFact, Path], ...]:
        evaluation = self.subject.blueprint.spec.evaluation
        place: Path = ("spec", "evaluation", "dataset")
        found = [(self._dataset(evaluation.dataset, "evaluation", evaluation.labels), place)]
        for _, _, choice, path in self.subject.builds():
            recipe = self.subject.recipe(choice)
            if recipe is not None and recipe.calibration is not None:
                text = recipe.calibration
                inner = ("inline", "calibration", "dataset") if choice is not None and choice.inline else ()
                found.append((self._dataset(text.dataset, "calibration", text.labels), (*path, *inner)))
        return tuple(found)

    def _dataset(self, path: str, use: str, labels: Mapping[str, str]) -> DatasetFact:
        entry = self._entry_of("dataset", path)
        return DatasetFact(path, use, labels, entry.license if entry else None, entry.bytes if entry else None)

    @property
    def _placed_groups(self) -> Groups:
        return self.shared.groups(self.subject.blueprint.spec.fleet.ref)

    @cached_property
    def _fleet(self) -> FleetFact:
        groups = tuple(group for group, _ in self._placed_groups)
        metadata = self.subject.repository.fleets[self.subject.blueprint.spec.fleet.ref].document.metadata
        if len(groups) > MOST_GROUPS:
            raise UnknownFactError(
                f"{metadata.name} has {len(groups):,} groups of devices, a rule sees {MOST_GROUPS:,} at once: "
                "write each: group"
            )
        return FleetFact(metadata.name, metadata.labels, sum(group.devices for group in groups), groups)


def _entry(entry: LockEntry) -> EntryFact:
    stated = [file.license or entry.license for file in entry.files]
    return EntryFact(
        entry.kind,
        entry.name,
        sum(file.size for file in entry.files),
        entry.license,
        tuple(sorted({license_id for license_id in stated if license_id})),
        stated.count(None),
    )


def plain(value: Any) -> Any:
    """A fact as the mappings, lists and plain values that expressions are evaluated on; what is absent is left out."""
    if isinstance(value, Model):
        return value.model_dump(mode="json", by_alias=True, exclude_none=True)
    if is_dataclass(value):
        members = ((to_camel(f.name), getattr(value, f.name)) for f in fields(value))
        return {name: plain(member) for name, member in members if member is not None}
    if isinstance(value, Mapping):
        return {key: plain(member) for key, member in value.items()}
    return [plain(member) for member in value] if isinstance(value, tuple | list) else value
