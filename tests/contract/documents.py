"""What the contract suite needs of a plugin: its name in the registry, and documents to try it on.

A third party's plugin is tested by installing it beside edgewright and running this folder: the names come from the
registry, the targets and recipes from what ships.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from edgewright.kernel.resources import share_folder
from edgewright.plugins.protocols import BuildRequest
from edgewright.plugins.registry import Registry
from edgewright.spec.v1beta1.blueprint import Blueprint, BlueprintSpec
from edgewright.spec.v1beta1.compression import Calibration, CompressionPolicy, Recipe
from edgewright.spec.v1beta1.target import Target, TargetSpec

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLES = REPOSITORY / "blueprints" / "examples"
METHODS = ("float32", "int8-dynamic", "int8-static", "int8-weight-only", "int4-weight-only")
REGISTRY = Registry()


def _document(path: Path) -> str:
    return json.dumps(yaml.safe_load(path.read_text(encoding="utf-8")))


@cache
def profiles() -> dict[str, TargetSpec]:
    """Every target profile that ships, by name, and a 32-bit ARM one that no profile has."""
    found = {}
    for path in sorted((share_folder() / "targets" / "profiles").glob("*.yaml")):
        target = Target.model_validate_json(_document(path))
        found[target.metadata.name] = target.spec
    arm = found["raspberry-pi-4-4g"].model_dump() | {"architecture": "armv7"}
    found["armv7-board"] = TargetSpec.model_construct(**arm | {"isa": found["raspberry-pi-4-4g"].isa})
    return found


@cache
def blueprints() -> dict[str, BlueprintSpec]:
    """The example blueprints by task."""
    found: dict[str, BlueprintSpec] = {}
    for path in sorted(EXAMPLES.glob("*/blueprint.yaml")):
        spec = Blueprint.model_validate_json(_document(path)).spec
        found[spec.model.task] = spec
    return found


@cache
def recipes() -> tuple[Recipe, ...]:
    """The plain recipe of each method, and every candidate of the policies that ship."""
    plain = [
        Recipe(
            name=method,
            method=method,  # type: ignore[arg-type]  # the literal's members, one by one
            calibration=Calibration(dataset="data/calibration.jsonl") if method == "int8-static" else None,
        )
        for method in METHODS
    ]
    policies = sorted((share_folder() / "blueprints" / "policies").glob("*.yaml"))
    shipped = [
        recipe for path in policies for recipe in CompressionPolicy.model_validate_json(_document(path)).spec.candidates
    ]
    return (*plain, *shipped)


def requests(backend: Any) -> Iterator[BuildRequest]:
    """Every combination of a task of the backend, a profile and a recipe."""
    for task, (name, target), recipe in product(sorted(backend.tasks), profiles().items(), recipes()):
        if task in blueprints():
            yield BuildRequest(blueprints()[task], name, target, recipe, None)


def buildable(backend: Any) -> list[BuildRequest]:
    """The combinations that the backend does not refuse."""
    return [request for request in requests(backend) if backend.refuse(request) is None]
