"""Turns a checked and locked blueprint into the plan of its builds: pure, no files, no network.

Shared prefixes are one action: the import of a model, its ONNX export and equal builds have equal keys whatever the
number of targets that need them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgewright.kernel.digest import Digest, digest_json
from edgewright.lock.choices import BuildChoice
from edgewright.lock.document import LockView
from edgewright.plan.actions import Action, DocumentPath, Fingerprint, files_action, worker_action
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
    name = blueprint.metadata.name
    model = blueprint.spec.model
    actions: dict[Digest, Action] = {}

    def keep(action: Action) -> Digest:
        actions.setdefault(action.key, action)
        return action.key

    source = keep(files_action("acquire", lock.model_files, model.source, f"{name} weights", _SOURCE))
    importer = registry.importer().step(model.task, model.source.file, model.context)
    subject = f"{name} model"
    canonical = keep(worker_action("import", importer, {"source": source}, fingerprint, subject, origin=_SOURCE))
    dataset_path = blueprint.spec.evaluation.dataset
    shared = {
        "source": source,
        "canonical": canonical,
        "dataset": keep(
            files_action("dataset", lock.dataset_files(dataset_path), dataset_path, dataset_path, _DATASET)
        ),
    }
    variants = []
    for choice in choices:
        available = dict(shared)
        calibration = choice.recipe.calibration
        if calibration is not None:
            files = lock.dataset_files(calibration.dataset)
            path = calibration.dataset
            available["calibration"] = keep(files_action("dataset", files, path, path, choice.origin))
        request = choice.request(blueprint)
        backend = registry.backend(choice.build.backend)
        for output, step in backend.steps(request):
            subject = f"{name} {output} {choice.target_name} {choice.recipe.name}"
            available[output] = keep(
                worker_action("build", step, available, fingerprint, subject, origin=choice.origin)
            )
        metric_step = registry.metrics(model.task).step(
            choice.build.backend, choice.target.spec, blueprint.spec.evaluation.max_tokens
        )
        subject = f"{name} {choice.target_name} {choice.recipe.name}"
        measured = keep(
            worker_action(
                "evaluate", metric_step, available, fingerprint, subject, origin=choice.origin, machine=machine
            )
        )
        wheels = lock.runtime_files(choice.build.backend, choice.target.spec)
        variants.append(
            Variant(
                choice.target_name,
                choice.target,
                choice.build.backend,
                choice.recipe,
                available["artifact"],
                measured,
                wheels,
            )
        )
    return Plan(blueprint, tuple(actions.values()), tuple(variants), canonical)


def plan_digest(plan: Plan) -> Digest:
    """Identity of everything a plan will make; equal when nothing has to be built anew."""
    return digest_json({"actions": sorted(a.key for a in plan.actions), "variants": _variant_identity(plan)})


def _variant_identity(plan: Plan) -> list[Mapping[str, object]]:
    return [
        {"target": v.target_name, "artifact": v.artifact, "wheels": [w.digest for w in v.wheels]} for v in plan.variants
    ]
