"""Classes of a change: which parts of a blueprint differ for one target. Pure.

Digests and keys decide where both sides have them. Where a side has no current lock the documents decide, which sees a
changed source but not changed bytes behind the same name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from edgewright.kernel.digest import Digest
from edgewright.plan.change import ChangeClass
from edgewright.plan.sides import BlueprintSide, CohortSide
from edgewright.spec.v1beta1.target import TargetSpec

_TOKENIZER_FILE = re.compile(
    r"(?:.*/)?(?:tokenizer[^/]*|vocab[^/]*|merges\.txt|added_tokens\.json|special_tokens_map\.json|"
    r"chat_template[^/]*|spiece\.model|sentencepiece[^/]*)",
    re.IGNORECASE,
)


def classes_of(before: BlueprintSide, after: BlueprintSide, target: str) -> tuple[ChangeClass, ...]:
    """What differs for a target, apart from its devices; in the order of `ChangeClass`."""
    old, new = before.cohorts.get(target), after.cohorts.get(target)
    if old is None:
        return (ChangeClass.NEW,)
    if new is None:
        return (ChangeClass.REMOVED,)
    found = {*_artifact(before, after, old, new), *_blueprint(before, after)}
    return tuple(item for item in ChangeClass if item in found)


def _artifact(before: BlueprintSide, after: BlueprintSide, old: CohortSide, new: CohortSide) -> Iterator[ChangeClass]:
    is_known = old.artifact is not None and new.artifact is not None
    is_same = is_known and old.artifact == new.artifact
    if not is_same:
        reasons = {*_model(before, after), *_recipe(before, after, old, new)}
        yield from reasons or ({ChangeClass.RECIPE} if is_known else ())
    if _runtime(old, new):
        yield ChangeClass.RUNTIME
    if old.target != new.target:
        yield ChangeClass.TARGET


def _model(before: BlueprintSide, after: BlueprintSide) -> Iterator[ChangeClass]:
    if before.model_files is None or after.model_files is None:
        if before.blueprint.spec.model.source != after.blueprint.spec.model.source:
            yield ChangeClass.WEIGHTS
        return
    files: list[tuple[dict[str, Digest], dict[str, Digest]]] = []
    for side in (before, after):
        words = {f.name: f.digest for f in side.model_files or () if _TOKENIZER_FILE.fullmatch(f.name)}
        rest = {f.name: f.digest for f in side.model_files or () if f.name not in words}
        files.append((words, rest))
    (old_words, old_rest), (new_words, new_rest) = files
    if old_rest != new_rest:
        yield ChangeClass.WEIGHTS
    if old_words != new_words:
        yield ChangeClass.TOKENIZER


def _recipe(before: BlueprintSide, after: BlueprintSide, old: CohortSide, new: CohortSide) -> Iterator[ChangeClass]:
    if (old.recipe, old.build.sequence_lengths) != (new.recipe, new.build.sequence_lengths):
        yield ChangeClass.RECIPE
    one, other = before.blueprint.spec.model, after.blueprint.spec.model
    if (one.task, one.context) != (other.task, other.context) or _machine(old.target) != _machine(new.target):
        yield ChangeClass.RECIPE
    calibration = new.recipe.calibration
    if calibration is not None and before.datasets.get(calibration.dataset) != after.datasets.get(calibration.dataset):
        yield ChangeClass.RECIPE


def _machine(target: TargetSpec) -> tuple[object, ...]:
    return (target.architecture, target.isa)


def _runtime(old: CohortSide, new: CohortSide) -> bool:
    if old.build.backend != new.build.backend:
        return True
    if old.wheels is not None and new.wheels is not None:
        return {w.digest for w in old.wheels} != {w.digest for w in new.wheels}
    return (old.target.libc, old.target.python) != (new.target.libc, new.target.python)


def _blueprint(before: BlueprintSide, after: BlueprintSide) -> Iterator[ChangeClass]:
    one, other = before.blueprint.spec, after.blueprint.spec
    if one.service != other.service:
        yield ChangeClass.SERVICE
    if before.blueprint.metadata.version != after.blueprint.metadata.version or one.release != other.release:
        yield ChangeClass.VERSION
    dataset = other.evaluation.dataset
    is_same_text = before.datasets.get(one.evaluation.dataset) == after.datasets.get(dataset)
    if one.gates != other.gates or one.evaluation != other.evaluation or not is_same_text:
        yield ChangeClass.GATES
    if one.rollout != other.rollout:
        yield ChangeClass.ROLLOUT
    if one.fleet != other.fleet:
        yield ChangeClass.FLEET
