"""Turns a checked and locked blueprint into the plan of its builds: pure, no files, no network.

Shared prefixes are one action: the import of a model, its ONNX export and equal builds have equal keys whatever the
number of targets that need them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edgewright.kernel.digest import Digest, digest_json
from edgewright.load.places import Path as DocumentPath
from edgewright.lock.choices import BuildChoice
from edgewright.lock.document import LockView
from edgewright.plan.actions import Action, Fingerprint, files_action, worker_action
from edgewright.plugins.protocols import FileDigest
from edgewright.plugins.registry import Registry
from edgewright.spec.v1beta1.blueprint import Blueprint
from edgewright.spec.v1beta1.compression import Recipe
from edgewright.spec.v1beta1.target import Target

_SOURCE: DocumentPath = ("spec", "model", "source")
_DATASET: DocumentPath = ("spec", "evaluation", "dataset")


@dataclass(frozen=True, slots=True)
class Variant:
    """What one target gets: the keys of its artifact and of its measurements, and the locked runtime wheels."""

    target_name: str
    target: Target
    backend: str
    recipe: Recipe
    artifact: Digest
    measurements: Digest
    wheels: tuple[FileDigest, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The actions of a blueprint in an order that respects their inputs, and its variants in the blueprint's order."""

    blueprint: Blueprint
    actions: tuple[Action, ...]
    variants: tuple[Variant, ...]
    canonical: Digest

    def action(self, key: Digest) -> Action:
        """The action with a key."""
        return next(action for action in self.actions if action.key == key)


def make_plan(
    blueprint: Blueprint,
    choices: tuple[BuildChoice, ...],
    lock: LockView,
    registry: Registry,
    fingerprint: Fingerprint,
    machine: Digest,
) -> Plan:
    """Plan every choice. `machine` is the identity of the computer that measures."""
    planning = _Planning(blueprint, lock, registry, fingerprint, machine)
    shared = planning.shared()
    variants = tuple(planning.variant(choice, shared) for choice in choices)
    return Plan(blueprint, tuple(planning.actions.values()), variants, shared["canonical"])


@dataclass(frozen=True, slots=True)
class _Planning:
    """The actions of one blueprint so far, by key: those with equal keys are one."""

    blueprint: Blueprint
    lock: LockView
    registry: Registry
    fingerprint: Fingerprint
    machine: Digest
    actions: dict[Digest, Action] = field(default_factory=dict)

    def _keep(self, action: Action) -> Digest:
        self.actions.setdefault(action.key, action)
        return action.key

    def _dataset(self, path: str, origin: DocumentPath) -> Digest:
        return self._keep(files_action("dataset", self.lock.dataset_files(path), path, path, origin))

    def shared(self) -> dict[str, Digest]:
        """What every variant reads, by the name that steps ask for it by."""
        name, model = self.blueprint.metadata.name, self.blueprint.spec.model
        source = self._keep(files_action("acquire", self.lock.model_files, model.source, f"{name} weights", _SOURCE))
        step = self.registry.importer().step(model.task, model.source.file, model.context)
        imported = worker_action("import", step, {"source": source}, self.fingerprint, f"{name} model", origin=_SOURCE)
        canonical = self._keep(imported)
        dataset = self._dataset(self.blueprint.spec.evaluation.dataset, _DATASET)
        return {"source": source, "canonical": canonical, "dataset": dataset}

    def variant(self, choice: BuildChoice, shared: Mapping[str, Digest]) -> Variant:
        """Build and measure one choice."""
        name, spec = self.blueprint.metadata.name, self.blueprint.spec
        available = dict(shared)
        if choice.recipe.calibration is not None:
            available["calibration"] = self._dataset(choice.recipe.calibration.dataset, choice.origin)
        backend = choice.build.backend
        for output, step in self.registry.backend(backend).steps(choice.request(self.blueprint)):
            subject = f"{name} {output} {choice.target_name} {choice.recipe.name}"
            built = worker_action("build", step, available, self.fingerprint, subject, origin=choice.origin)
            available[output] = self._keep(built)
        metrics = self.registry.metrics(spec.model.task)
        step = metrics.step(backend, choice.target.spec, spec.evaluation.max_tokens)
        subject = f"{name} {choice.target_name} {choice.recipe.name}"
        measured = worker_action(
            "evaluate", step, available, self.fingerprint, subject, origin=choice.origin, machine=self.machine
        )
        return Variant(
            choice.target_name,
            choice.target,
            backend,
            choice.recipe,
            available["artifact"],
            self._keep(measured),
            self.lock.runtime_files(backend, choice.target.spec),
        )


def plan_digest(plan: Plan) -> Digest:
    """Identity of everything a plan will make; equal when nothing has to be built anew."""
    return digest_json({"actions": sorted(a.key for a in plan.actions), "variants": _variant_identity(plan)})


def _variant_identity(plan: Plan) -> list[Mapping[str, object]]:
    return [
        {"target": v.target_name, "artifact": v.artifact, "wheels": [w.digest for w in v.wheels]} for v in plan.variants
    ]
