"""What a change rebuilds: planned on a shipped example with the real plugins, nothing is built."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgewright.cli.chain import Session
from edgewright.kernel.events import discard
from edgewright.kernel.resources import share_folder
from edgewright.plan.plan import Plan, plan_digest

EXAMPLE = share_folder() / "blueprints" / "examples" / "semantic-search"
Edit = Callable[[dict[str, Any]], None]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "semantic-search"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("dist", ".edgewright"))
    return folder


def plan(folder: Path) -> Plan:
    session = Session(folder, (), discard)
    [loaded] = session.blueprints
    return session.plan(loaded)


def edit(folder: Path, name: str, change: Edit) -> None:
    document = yaml.safe_load((folder / name).read_text())
    change(document)
    (folder / name).write_text(yaml.safe_dump(document, sort_keys=False))


def artifacts(planned: Plan) -> dict[str, str]:
    return {variant.target_name: variant.artifact for variant in planned.variants}


def test_planning_twice_gives_the_same_keys(repository: Path) -> None:
    assert plan_digest(plan(repository)) == plan_digest(plan(repository))


def test_a_change_of_the_fleet_rebuilds_nothing(repository: Path) -> None:
    before = plan(repository)
    edit(repository, "fleet.yaml", lambda fleet: fleet["spec"]["devices"].pop())
    after = plan(repository)
    assert {a.key for a in after.actions} == {a.key for a in before.actions}


def test_a_change_of_gates_roll_out_and_service_rebuilds_and_measures_nothing(repository: Path) -> None:
    before = plan(repository)

    def change(blueprint: dict[str, Any]) -> None:
        blueprint["metadata"]["version"] = "1.1.0"
        blueprint["spec"]["gates"].pop()
        blueprint["spec"]["rollout"]["soak"] = "1m"
        blueprint["spec"]["service"] = {"port": 9000}

    edit(repository, "blueprint.yaml", change)
    assert {a.key for a in plan(repository).actions} == {a.key for a in before.actions}


def test_a_change_of_one_recipe_rebuilds_only_its_target(repository: Path) -> None:
    def split(blueprint: dict[str, Any]) -> None:
        first = blueprint["spec"]["builds"][0]
        one, other = first["targets"]
        blueprint["spec"]["builds"][:1] = [deepcopy(first) | {"targets": [name]} for name in (one, other)]

    edit(repository, "blueprint.yaml", split)
    before = artifacts(plan(repository))

    def change(blueprint: dict[str, Any]) -> None:
        blueprint["spec"]["builds"][1]["compression"] = {"inline": {"name": "small", "method": "int4-weight-only"}}

    edit(repository, "blueprint.yaml", change)
    after = artifacts(plan(repository))
    assert {target for target in after if after[target] != before[target]} == {"raspberry-pi-5-8g"}


def test_targets_share_the_import_and_the_export(repository: Path) -> None:
    kinds = [action.step.step for action in plan(repository).actions if action.step is not None]
    assert (kinds.count("import"), kinds.count("export-onnx"), kinds.count("build")) == (1, 1, 5)
