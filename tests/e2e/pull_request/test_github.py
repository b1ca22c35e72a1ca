"""A pull request on GitHub: the workflow that `init` wrote, run step by step over a real merge commit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.pull_request.forge import BLUEPRINT, FLEET, Forge
from tests.e2e.pull_request.github import GitHub, Job

HOSTILE = "change/$(touch${IFS}PWNED);`id`'\"&|{{x}}-oProxyCommand=id"
"""A branch that git allows and that a shell, a template or an option parser would choke on."""


def pull(forge: Forge, branch: str, folder: Path) -> GitHub:
    merged = forge.open_pull(branch)
    return GitHub(folder / "runner", forge.bare, forge.pull_event(branch), "refs/pull/1/merge", merged)


def run(forge: Forge, branch: str, folder: Path) -> tuple[GitHub, Job]:
    github = pull(forge, branch, folder)
    job = github.run(forge.root / ".github" / "workflows" / "pull-request.yml", "check")
    assert job is not None
    assert "Traceback" not in "".join(step.output for step in job.steps)
    return github, job


def sarif_results(job: Job) -> list[dict[str, Any]]:
    found = json.loads((job.temp / "reports" / "check.sarif").read_text())
    return list(found["runs"][0]["results"])


def lengthen(document: dict[str, Any]) -> None:
    """A change that reaches the counters only."""
    document["metadata"]["version"] = "1.1.0"
    document["spec"]["builds"][0]["sequenceLengths"] = [48, 64]


def test_a_right_change_is_checked_and_planned_for_the_devices_it_reaches(forge: Forge, tmp_path: Path) -> None:
    forge.branch("longer")
    forge.edit(BLUEPRINT, lengthen)
    forge.commit("Counters take longer texts")
    github, job = run(forge, "longer", tmp_path)
    assert set(job.outcomes.values()) == {"success"}, job.log
    assert sarif_results(job) == []
    plan = (job.temp / "reports" / "plan.md").read_text()
    assert len(plan) <= 60_000
    rows = {line.split("</code>")[0]: line for line in plan.splitlines() if line.startswith("| <code>")}
    assert "recipe" in rows["| <code>counter-pc"]
    assert "version only" in rows["| <code>raspberry-pi-5-8g"]
    assert "2 of 2" in rows["| <code>counter-pc"]
    assert (job.temp.parent / "summary.md").read_text() == plan
    scanned = github.run(forge.root / ".github/workflows/pull-request.yml", "code-scanning", needs={"check": job})
    assert scanned is not None
    assert json.loads(scanned.sarif[0].read_text())["version"] == "2.1.0"


def test_a_mistake_is_shown_at_its_line_and_nothing_is_planned(forge: Forge, tmp_path: Path) -> None:
    forge.branch("typo")
    text = (forge.root / FLEET).read_text()
    (forge.root / FLEET).write_text(text.replace("target: raspberry-pi-5-8g", "target: rasberry-pi-5-8g", 1))
    line = text[: text.index("target: raspberry-pi-5-8g")].count("\n") + 1
    forge.commit("A typing mistake")
    _, job = run(forge, "typo", tmp_path)
    assert (job.outcomes["check"], job.outcomes["lock"], job.outcomes["plan"]) == ("failure", "skipped", "skipped")
    assert f"::error file={FLEET},line={line}," in job.step("check").output
    [result] = sarif_results(job)
    place = result["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == (FLEET, line)
    assert job.outcomes["actions/upload-artifact"] == "success", "the report is kept for code scanning"


def test_a_forgotten_version_is_shown_at_its_line_and_the_change_is_planned(forge: Forge, tmp_path: Path) -> None:
    forge.branch("forgotten")
    forge.edit(BLUEPRINT, lambda document: document["spec"].update(service={"threads": 2}))
    lines = (forge.root / BLUEPRINT).read_text().splitlines()
    line = next(number for number, text in enumerate(lines, 1) if text.strip().startswith("version:"))
    forge.commit("Two threads, and no new version")
    _, job = run(forge, "forgotten", tmp_path)
    assert set(job.outcomes.values()) == {"success"}, job.log
    annotations = [text for text in job.step("plan").output.splitlines() if text.startswith("::")]
    assert len(annotations) == 1, annotations
    assert annotations[0].startswith(f"::warning file={BLUEPRINT},line={line},")
    assert "1 version to raise" in (job.temp / "reports" / "plan.md").read_text().splitlines()[1]


def test_a_dataset_that_the_lock_does_not_know_stops_the_job(forge: Forge, tmp_path: Path) -> None:
    forge.branch("data")
    with (forge.root / "data" / "handbook.jsonl").open("a") as stream:
        stream.write(json.dumps({"text": "A new paragraph that nobody locked."}) + "\n")
    forge.commit("A paragraph")
    _, job = run(forge, "data", tmp_path)
    assert (job.outcomes["check"], job.outcomes["lock"]) == ("success", "failure"), job.log
    assert "lock-stale" in job.step("lock").output


def test_names_with_shell_characters_are_only_names(forge: Forge, tmp_path: Path) -> None:
    forge.branch(HOSTILE)
    name = "blueprints/a b;$(touch PWNED)'\"`id`,line=1::x.yaml"
    document = (forge.root / BLUEPRINT).read_text().replace("name: handbook-search", "name: other")
    forge.commit("$(touch PWNED)\n\n::error::said by a commit", {name: document.replace("min: 0.99", "min: 99 %")})
    _, job = run(forge, HOSTILE, tmp_path)
    assert job.outcomes["check"] == "failure"
    said = job.step("check").output
    annotations = [line for line in said.splitlines() if line.startswith("::")]
    assert len(annotations) >= 1, job.log
    assert all(
        line.startswith("::error file=blueprints/a b;$(touch PWNED)'\"`id`%2Cline=1%3A%3Ax.yaml,")
        for line in annotations
    ), said
    assert list(tmp_path.rglob("PWNED*")) == []


def test_a_new_line_in_a_file_name_forges_no_annotation(forge: Forge, tmp_path: Path) -> None:
    forge.branch("new-line")
    name = "blueprints/a\n::error::forged\n.yaml"
    forge.commit("A name", {name: "apiVersion: edgewright/v1beta1\nkind: Blueprint\n"})
    _, job = run(forge, "new-line", tmp_path)
    assert job.outcomes["check"] == "failure"
    assert not any(line.startswith("::error::forged") for line in job.step("check").output.splitlines())


def test_a_change_of_documentation_reaches_no_device(forge: Forge, tmp_path: Path) -> None:
    forge.branch("words")
    forge.commit("Words", {"README.md": "# shops\n"})
    _, job = run(forge, "words", tmp_path)
    assert job.outcomes["plan"] == "success"
    assert "counter-pc" not in (job.temp / "reports" / "plan.md").read_text()


@pytest.mark.parametrize("owner", ["stranger/shops", "fleet/shops"])
def test_reports_of_a_fork_are_not_uploaded_with_a_token_that_cannot_write(
    forge: Forge, tmp_path: Path, owner: str
) -> None:
    forge.branch("words")
    forge.commit("Words", {"README.md": "# shops\n"})
    github = pull(forge, "words", tmp_path)
    github.event["pull_request"]["head"]["repo"]["full_name"] = owner
    workflow = forge.root / ".github" / "workflows" / "pull-request.yml"
    job = github.run(workflow, "check")
    assert job is not None
    assert (github.run(workflow, "code-scanning", needs={"check": job}) is None) == (owner != "fleet/shops")
