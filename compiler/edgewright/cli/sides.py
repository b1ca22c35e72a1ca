"""One side of a change: a fleet repository's documents, and what they come to, worked out when it is asked for.

Owns the gathering of what `plan.compare` compares: resolved builds, locked digests, keys, devices, waves, known
numbers. Runs no model code and asks no network. A side that lacks something (no lock, an inventory that cannot be read)
says so and goes on: the other side may be what mends it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from edgewright.check.budget import ModelFacts
from edgewright.check.recipes import shipped_recipe
from edgewright.check.signers import FILE as SIGNERS
from edgewright.check.signers import LARGEST_BYTES as LARGEST_SIGNERS_BYTES
from edgewright.check.signers import has_file
from edgewright.cli.chain import machine_identity
from edgewright.cli.known import (
    NO_EVIDENCE,
    Evidence,
    KnownResults,
    estimated_numbers,
    imported_facts,
    read_evidence,
    release_disk,
)
from edgewright.cli.places import dist_folder
from edgewright.kernel.diagnostics import EdgewrightError
from edgewright.kernel.digest import Digest, digest_file
from edgewright.load.documents import Loaded, Repository
from edgewright.load.lfs import LARGEST_POINTER_BYTES, pointer_of
from edgewright.lock.choices import BuildChoice, choices_of
from edgewright.lock.document import LockView, stale_entries
from edgewright.lock.wanted import Wanted, wanted_entries
from edgewright.plan.devices import summarise
from edgewright.plan.numbers import Number
from edgewright.plan.plan import Plan, Variant, make_plan
from edgewright.plan.reach import FleetSummary
from edgewright.plan.sides import BlueprintSide, CohortSide, FleetSide, PlannedWave
from edgewright.plugins.identity import fingerprint
from edgewright.plugins.registry import Registry
from edgewright.render.waves import plan_waves
from edgewright.spec.v1beta1.blueprint import Blueprint


@dataclass(slots=True)
class Side:
    """The documents of a side. `results` is the repository whose `dist/` may hold evidence.

    `fleets` and `waves_cut` may be shared by several sides: what is the same for them is worked out once.
    """

    repository: Repository
    registry: Registry
    known: KnownResults
    results: Path
    fleets: dict[object, FleetSide] = field(default_factory=dict)
    _fleet_keys: dict[str, object] = field(default_factory=dict)
    _files: dict[str, Digest | None] = field(default_factory=dict)
    _summaries: dict[int, FleetSummary] = field(default_factory=dict)
    waves_cut: dict[tuple[object, ...], tuple[PlannedWave, ...]] = field(default_factory=dict)

    @property
    def blueprints(self) -> Mapping[str, Loaded[Blueprint]]:
        """The blueprints of this side by name."""
        return self.repository.blueprints

    def identity(self, name: str) -> tuple[object, ...]:
        """Everything of a blueprint that can matter to a device, a gate or a roll-out: compared between sides."""
        loaded = self.blueprints[name]
        choices, why = self._choices(loaded.document)
        lock = self.repository.locks.get(name)
        datasets = tuple((path, self._file(path)) for path in _datasets(loaded.document, choices))
        fleet = loaded.document.spec.fleet.ref
        return (loaded.document, choices, why, lock.digest if lock else None, datasets, self.fleet_key(fleet))

    def fleet_key(self, name: str) -> object:
        """What the devices of a fleet follow from."""
        if name not in self._fleet_keys:
            loaded = self.repository.fleets.get(name)
            inventory = loaded.document.spec.inventory if loaded else None
            files: object = None
            if inventory is not None:  # what cannot be read equals nothing
                files = _inventory_digest(self.repository.root, inventory.path) or object()
            self._fleet_keys[name] = (loaded.digest, files) if loaded else None
        return self._fleet_keys[name]

    def fleet(self, name: str) -> FleetSide:
        """The devices of a fleet, read once for all sides on which it is the same."""
        key = (name, self.fleet_key(name))
        if key not in self.fleets:
            self.fleets[key] = self._read_fleet(name)
        return self.fleets[key]

    def _read_fleet(self, name: str) -> FleetSide:
        if name not in self.repository.fleets:
            return FleetSide(name, (), f"there is no fleet {name}")
        try:
            found = self.repository.devices_of(name)
        except EdgewrightError as error:
            return FleetSide(name, (), f"the fleet {name} cannot be read: {error.diagnostics[0].message}")
        wrong = len(found.problems)
        why = f"{wrong:,} hosts of the fleet {name} are wrong and not counted" if wrong else None
        return FleetSide(name, found.devices, why)

    def waves(self, blueprint: Blueprint) -> tuple[PlannedWave, ...]:
        """The waves of a roll-out, cut once for all blueprints with the same fleet and waves."""
        fleet, waves = self.fleet(blueprint.spec.fleet.ref), blueprint.spec.rollout.waves
        key = (id(fleet), waves)
        if key not in self.waves_cut:
            self.waves_cut[key] = tuple(PlannedWave(w.name, w.devices) for w in plan_waves(fleet.devices, waves))
        return self.waves_cut[key]

    def summary(self, blueprint: Blueprint) -> FleetSummary:
        """Where a release of a blueprint would go."""
        waves = self.waves(blueprint)
        if id(waves) not in self._summaries:
            self._summaries[id(waves)] = summarise(self.fleet(blueprint.spec.fleet.ref), waves)
        return self._summaries[id(waves)]

    def blueprint(self, name: str) -> BlueprintSide:
        """Everything that is known of a blueprint."""
        loaded = self.blueprints[name]
        blueprint = loaded.document
        choices, why = self._choices(blueprint)
        lock = self.repository.locks.get(name)
        view = LockView(lock.document) if lock else None
        if why is None:
            why = f"{name} has no lock" if view is None else self._stale(blueprint, view)
        plan = self._plan(blueprint, choices, view) if view is not None and why is None else None
        evidence = self._evidence(loaded)
        facts = self._facts(blueprint, plan)
        planned = {variant.target_name: variant for variant in plan.variants} if plan else {}
        cohorts = {
            choice.target_name: self._cohort(blueprint, choice, planned.get(choice.target_name), facts, evidence)
            for choice in choices
        }
        return BlueprintSide(
            blueprint,
            cohorts,
            self.fleet(blueprint.spec.fleet.ref),
            view.model_files if view is not None and plan is not None else None,
            {path: self._file(path) for path in _datasets(blueprint, choices)},
            why,
        )

    def _choices(self, blueprint: Blueprint) -> tuple[tuple[BuildChoice, ...], str | None]:
        """The builds with their names resolved; a name that is unknown on this side is said."""
        for build in blueprint.spec.builds:
            unknown = [name for name in build.targets if name not in self.repository.targets]
            if unknown:
                return (), f"there is no target {unknown[0]}"
            if build.backend not in self.registry.names("backends"):
                return (), f"there is no backend {build.backend}"
            chosen = build.compression or blueprint.spec.compression
            if chosen and chosen.policy and chosen.policy not in self.repository.compression_policies:
                return (), f"there is no compression policy {chosen.policy}"
            if shipped_recipe(self.repository, chosen) is None:
                return (), "a recipe that is named is no candidate of its policy"
        return choices_of(self.repository, blueprint), None

    def _stale(self, blueprint: Blueprint, view: LockView) -> str | None:
        name = blueprint.metadata.name
        try:
            wanted = [self._held_by_lfs(item) for item in wanted_entries(self.repository, blueprint, self.registry)]
        except OSError as error:
            return f"{name}: {Path(str(error.filename)).name} cannot be read"
        differences = stale_entries(view, wanted)
        return f"the lock of {name} is not current: {differences[0]}" if differences else None

    def _held_by_lfs(self, wanted: Wanted) -> Wanted:
        """A dataset that is a Git LFS pointer here is asked for by what it points to."""
        if wanted.kind != "dataset":
            return wanted
        return Wanted("dataset", wanted.name, {"digest": self._file(wanted.name)})

    def _plan(self, blueprint: Blueprint, choices: Sequence[BuildChoice], view: LockView) -> Plan:
        return make_plan(blueprint, tuple(choices), view, self.registry, fingerprint, _machine())

    def _facts(self, blueprint: Blueprint, plan: Plan | None) -> ModelFacts | None:
        imported = imported_facts(self.known.store, self.known.result(plan.canonical) if plan else None)
        declared = blueprint.spec.model.facts
        return imported or (ModelFacts.from_declared(declared) if declared else None)

    def _evidence(self, loaded: Loaded[Blueprint]) -> Evidence:
        signers = self.repository.root / SIGNERS
        if not has_file(self.repository.root) or signers.stat().st_size > LARGEST_SIGNERS_BYTES:
            return NO_EVIDENCE
        dist = dist_folder(self.results, loaded.document.metadata.name, self.repository.environment)
        return read_evidence(dist, loaded, signers.read_bytes())

    def _cohort(
        self,
        blueprint: Blueprint,
        choice: BuildChoice,
        variant: Variant | None,
        facts: ModelFacts | None,
        evidence: Evidence,
    ) -> CohortSide:
        backend, request = self.registry.backend(choice.build.backend), choice.request(blueprint)
        name = choice.target_name
        artifact, measured = (variant.artifact, variant.measurements) if variant else (None, None)
        numbers: dict[str, Number] = {
            **estimated_numbers(facts, backend, request),
            **evidence.numbers.get(name, {}),
            **self.known.numbers(artifact, measured),
        }
        return CohortSide(
            choice.target.spec,
            choice.build,
            choice.recipe,
            artifact,
            measured,
            variant.wheels if variant else None,
            self.known.blobs(artifact) or evidence.blobs.get(name),
            numbers,
            release_disk(numbers, backend, request),
        )

    def _file(self, path: str) -> Digest | None:
        if path not in self._files:
            file = self.repository.root / path
            self._files[path] = _content_digest(file) if file.is_file() and not file.is_symlink() else None
        return self._files[path]


def _content_digest(path: Path) -> Digest:
    """Digest of a file; of what Git LFS keeps, when the file only points to it."""
    pointer = pointer_of(path.read_bytes()) if path.stat().st_size <= LARGEST_POINTER_BYTES else None
    return f"sha256:{pointer[0]}" if pointer else digest_file(path)


@cache
def _machine() -> Digest:
    return machine_identity()


def _datasets(blueprint: Blueprint, choices: Sequence[BuildChoice]) -> list[str]:
    calibrations = [choice.recipe.calibration for choice in choices]
    return sorted({blueprint.spec.evaluation.dataset, *(c.dataset for c in calibrations if c is not None)})


def _inventory_digest(root: Path, path: str) -> Digest | None:
    """Digest of all that an inventory is read from; None when that cannot be read."""
    # the reader of inventories is loaded by who has one
    from edgewright.load.inventory.read import inventory_digest

    try:
        return inventory_digest(root, path)
    except (EdgewrightError, OSError):
        return None
