"""The hooks of pre-commit, as their entries run: content with what `init` and `lock` wrote, and not with a mistake."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import yaml
from tests.e2e.pull_request.forge import BLUEPRINT, FLEET, Forge

SHIPPED = Path(__file__).parents[3] / ".pre-commit-hooks.yaml"
HOOKS = {hook["id"]: hook for hook in yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))}


def arguments(identity: str) -> list[str]:
    program, *rest = shlex.split(HOOKS[identity]["entry"])
    assert program == "edgewright"
    return rest


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize("identity", HOOKS)
def test_every_hook_is_content_with_a_new_repository(forge: Forge, identity: str) -> None:
    assert (HOOKS[identity]["language"], HOOKS[identity]["pass_filenames"]) == ("python", False)
    forge.edgewright(*arguments(identity))
    assert forge.clone.git("status", "--porcelain") == "", "a hook changes nothing"


def test_each_hook_finds_its_mistake(forge: Forge) -> None:
    replace(forge.root / FLEET, "edgewright/v1beta1", "edgewright/v1alpha1")
    forge.edgewright(*arguments("edgewright-migrate-check"), expect=6)
    with (forge.root / "data" / "handbook.jsonl").open("a", encoding="utf-8") as stream:
        stream.write('{"text": "Not in the lock."}\n')
    forge.edgewright(*arguments("edgewright-lock-check"), expect=3)
    replace(forge.root / BLUEPRINT, "min: 0.99", "mini: 0.99")
    forge.edgewright(*arguments("edgewright-check"), expect=3)
