"""A merge request on GitLab: the jobs of the shipped pipeline, run with the commands that are in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.e2e.pull_request.forge import BLUEPRINT, FLEET, Forge
from tests.e2e.pull_request.gitlab import GitLab, read_job
from tests.e2e.pull_request.test_github import HOSTILE, lengthen


def merge_request(forge: Forge, branch: str, folder: Path) -> GitLab:
    forge.push(branch)
    base = forge.clone.git("merge-base", "refs/heads/main", f"refs/heads/{branch}")
    variables = {
        "CI_PIPELINE_SOURCE": "merge_request_event",
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": base,
        "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": branch,
    }
    return GitLab(folder / "runner", forge.bare, variables)


def test_a_mistake_is_in_the_code_quality_report_at_its_line(forge: Forge, tmp_path: Path) -> None:
    forge.branch(HOSTILE)
    text = (forge.root / FLEET).read_text()
    (forge.root / FLEET).write_text(text.replace("target: counter-pc", "target: counter-cp", 1))
    line = text[: text.index("target: counter-pc")].count("\n") + 1
    forge.commit("A typing mistake")
    job = merge_request(forge, HOSTILE, tmp_path).run("edgewright-check", f"refs/heads/{HOSTILE}")
    assert job.exit_code == 3, job.output
    [finding] = json.loads((job.artifacts / "edgewright-code-quality.json").read_text())
    assert finding["location"]["path"] == FLEET
    assert finding["location"]["lines"]["begin"] == line
    assert list(tmp_path.rglob("PWNED*")) == []


def test_a_right_change_has_an_empty_report_and_a_plan(forge: Forge, tmp_path: Path) -> None:
    forge.branch("longer")
    forge.edit(BLUEPRINT, lengthen)
    forge.commit("Counters take longer texts")
    gitlab = merge_request(forge, "longer", tmp_path)
    checked = gitlab.run("edgewright-check", "refs/heads/longer")
    assert checked.exit_code == 0, checked.output
    assert json.loads((checked.artifacts / "edgewright-code-quality.json").read_text()) == []
    planned = gitlab.run("edgewright-plan", "refs/heads/longer")
    assert planned.exit_code == 0, planned.output
    assert json.loads((planned.artifacts / "edgewright-plan-code-quality.json").read_text()) == []
    plan = (planned.artifacts / "edgewright-plan.md").read_text()
    assert "counter-pc" in plan
    assert len(plan) <= 60_000


def test_a_forgotten_version_is_in_the_code_quality_report_of_the_plan(forge: Forge, tmp_path: Path) -> None:
    forge.branch("forgotten")
    forge.edit(BLUEPRINT, lambda document: document["spec"].update(service={"threads": 2}))
    forge.commit("Two threads, and no new version")
    planned = merge_request(forge, "forgotten", tmp_path).run("edgewright-plan", "refs/heads/forgotten")
    assert planned.exit_code == 0, planned.output
    [finding] = json.loads((planned.artifacts / "edgewright-plan-code-quality.json").read_text())
    assert (finding["check_name"], finding["location"]["path"]) == ("version-not-raised", BLUEPRINT)
    line = (forge.root / BLUEPRINT).read_text().splitlines()[finding["location"]["lines"]["begin"] - 1]
    assert line.strip().startswith("version:")


def test_the_jobs_of_a_merge_request_see_no_secret(forge: Forge) -> None:
    for name in ("edgewright-check", "edgewright-plan"):
        job = read_job(forge.root, name, {})
        assert "environment" not in job
        assert "tags" not in job, "it does not run where the devices are reached"
    assert read_job(forge.root, "edgewright-compile", {})["environment"]["name"] == "signing"
    rollout = read_job(forge.root, "edgewright-rollout", {})
    assert rollout["environment"]["name"] == "fleet"
    assert rollout["rules"][0]["when"] == "manual"


@pytest.mark.parametrize("folder", ["a b", "$(id)", "-x", "a;b", "x\ny"])
def test_a_folder_with_shell_characters_is_no_input(forge: Forge, folder: str) -> None:
    with pytest.raises(AssertionError, match="folder"):
        read_job(forge.root, "edgewright-check", {"folder": folder})
