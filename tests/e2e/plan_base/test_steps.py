"""What `plan --base` says is next: on stdout, as a diagnostic at the version's line, as the lines of a pipeline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.plan_base.conftest import LOCK, Fleet
from tests.e2e.plan_base.test_changes import bump

NULL = "0" * 40


def threads(document: dict[str, Any]) -> None:
    document["spec"]["service"] = {"threads": 2}


SOAK = """\
apiVersion: edgewright/v1beta1
kind: Overlay
metadata: {name: soak}
spec:
  patches:
    - {kind: Blueprint, name: semantic-*, patch: {spec: {rollout: {soak: %s}}}}
"""


def version_line(fleet: Fleet) -> int:
    lines = (fleet.root / "blueprint.yaml").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.strip().startswith("version:"))


def test_a_forgotten_version_is_a_warning_at_its_line_and_the_plan_is_shown(fleet: Fleet) -> None:
    fleet.blueprint(threads)
    ended = fleet.run("plan", str(fleet.root), "--base", "main")
    assert ended.exit_code == 0
    assert "warning: version-not-raised  the version of semantic-search is still 1.0.0" in ended.stderr
    assert f"blueprint.yaml:{version_line(fleet)}:" in ended.stderr
    assert "1 version to raise" in ended.stdout.splitlines()[0]
    assert "next: raise-version" in ended.stdout
    assert fleet.change()["step"] == "raise-version"
    assert fleet.run("plan", str(fleet.root), "--base", "main", "--exit-code").exit_code == 6


def test_a_report_points_at_the_line_for_a_forge(fleet: Fleet, tmp_path: Path) -> None:
    fleet.blueprint(threads)
    reports = [f"--report={form}={tmp_path / form}" for form in ("github", "gitlab", "sarif")]
    assert fleet.run("plan", str(fleet.root), "--base", "main", "-o", "markdown", *reports).exit_code == 0
    said = (tmp_path / "github").read_text()
    assert said.startswith("::warning file=")
    assert f"blueprint.yaml,line={version_line(fleet)}," in said
    [entry] = json.loads((tmp_path / "gitlab").read_text())
    assert (entry["check_name"], entry["location"]["lines"]["begin"]) == ("version-not-raised", version_line(fleet))
    [result] = json.loads((tmp_path / "sarif").read_text())["runs"][0]["results"]
    assert result["level"] == "warning"


def test_a_report_of_a_right_change_is_empty(fleet: Fleet, tmp_path: Path) -> None:
    fleet.blueprint(bump)
    assert fleet.run("plan", str(fleet.root), "--base=main", f"--report=github={tmp_path / 'r'}").stderr == ""
    assert (tmp_path / "r").read_text() == ""


def steps(fleet: Fleet, *arguments: str, base: str = "main") -> str:
    file = fleet.root.parent / "steps"
    ended = fleet.run("plan", str(fleet.root), f"--base={base}", f"--steps={file}", *arguments)
    assert ended.exit_code == 0, ended.stderr
    return file.read_text()


def test_steps_of_a_pipeline(fleet: Fleet) -> None:
    assert steps(fleet) == ""
    fleet.edit("fleet.yaml", lambda document: document["spec"]["devices"].pop())
    assert steps(fleet) == "reconcile semantic-search 1.0.0\n"
    fleet.blueprint(bump)
    assert steps(fleet) == "release semantic-search 1.1.0\n"
    assert steps(fleet, "--revision", "main") == "", "the revision is what counts, not the working tree"


def test_a_blueprint_that_is_removed_has_no_step(fleet: Fleet) -> None:
    (fleet.root / "blueprint.yaml").unlink()
    (fleet.root / LOCK).unlink()
    assert steps(fleet) == ""
    assert fleet.change()["step"] == "none"


def test_steps_are_refused_while_a_version_has_to_be_raised(fleet: Fleet, tmp_path: Path) -> None:
    fleet.blueprint(threads)
    file, report = tmp_path / "steps", tmp_path / "report"
    ended = fleet.run(
        "plan", str(fleet.root), "--base=main", "--output=json", f"--steps={file}", f"--report=json={report}"
    )
    assert (ended.exit_code, ended.slugs) == (3, ["version-not-raised"])
    assert not file.exists()
    assert json.loads(ended.stdout)["blueprints"][0]["step"] == "raise-version", "the plan is shown all the same"
    assert json.loads(report.read_text())["diagnostics"][0]["severity"] == "error"


def test_how_long_a_release_may_be_installed_is_in_the_release(fleet: Fleet) -> None:
    fleet.blueprint(lambda document: document["spec"].update(release={"expiresAfter": "30d"}))
    assert (fleet.change()["classes"], fleet.change()["step"]) == (["version"], "raise-version")


def test_a_new_target_is_no_part_of_the_release_there_is(fleet: Fleet) -> None:
    def move(document: dict[str, Any]) -> None:
        document["spec"]["builds"][0]["targets"].append("rk3588-8g")

    fleet.blueprint(move)
    ended = fleet.run("plan", str(fleet.root), "--base=main")
    assert "although the release changes: a new target" in ended.stderr


OVERLAY = """\
apiVersion: edgewright/v1beta1
kind: Overlay
metadata: {name: threads}
spec:
  patches:
    - kind: Blueprint
      name: semantic-*
      patch:
        metadata:
          version: 2.0.0
        spec: {service: {threads: %d}}
"""


def test_a_version_from_an_overlay_is_pointed_at_there(fleet: Fleet) -> None:
    fleet.git.commit({"overlays/production/threads.yaml": OVERLAY % 1})
    fleet.git.write({"overlays/production/threads.yaml": OVERLAY % 2})
    ended = fleet.run("plan", str(fleet.root), "--base=main")
    assert "the version of semantic-search is still 2.0.0" in ended.stderr
    assert "overlays/production/threads.yaml:10:20" in ended.stderr
    assert "1 version to raise" in ended.stdout


def test_one_place_is_pointed_at_once_whatever_the_number_of_environments(fleet: Fleet) -> None:
    overlays: dict[str, str | bytes] = {
        f"overlays/{name}/soak.yaml": SOAK % soak for name, soak in (("production", "1h"), ("staging", "1m"))
    }
    fleet.git.commit(overlays)
    fleet.blueprint(threads)
    ended = fleet.run("plan", str(fleet.root), "--base=main")
    assert len(fleet.plan()["blueprints"]) == 3
    assert ended.stderr.count("version-not-raised") == 1
    assert "1 version to raise" in ended.stdout


def test_steps_are_those_of_the_environment_that_is_asked_for(fleet: Fleet) -> None:
    fleet.git.commit({"overlays/production/threads.yaml": OVERLAY % 1})
    fleet.git.write({"overlays/production/threads.yaml": (OVERLAY % 2).replace("2.0.0", "2.1.0")})
    assert steps(fleet) == ""
    assert steps(fleet, "--environment=production") == "release semantic-search 2.1.0\n"


@pytest.mark.parametrize("zeros", [40, 64])
def test_a_first_push_comes_from_nothing(fleet: Fleet, zeros: int) -> None:
    base = "0" * zeros
    assert steps(fleet, "--revision=main", base=base) == "release semantic-search 1.0.0\n"
    change = fleet.change(base=base)
    assert (change["classes"], change["version_before"], change["step"]) == (["new"], None, "release")
    found = fleet.plan(base=base)
    assert found["base"] == {"name": "nothing", "commit": None, "subject": None}
    assert not any("errors" in note for note in found["notes"]), found["notes"]


@pytest.mark.parametrize("base", ["0" * 39, "0" * 41, "0", "1" * 40, "--steps=x", "$(touch x)"])
def test_what_is_not_the_null_id_is_a_revision_that_does_not_exist(fleet: Fleet, base: str, tmp_path: Path) -> None:
    ended = fleet.run("plan", str(fleet.root), f"--base={base}", f"--steps={tmp_path / 'steps'}")
    assert (ended.exit_code, ended.slugs) == (2, ["unknown-revision"])
    assert not (tmp_path / "steps").exists()


@pytest.mark.parametrize("option", ["--steps=x", "--report=json=x", "--exit-code"])
def test_options_of_a_change_need_its_base(fleet: Fleet, option: str) -> None:
    assert fleet.run("plan", str(fleet.root), option).exit_code == 2


def test_steps_that_cannot_be_written_are_said(fleet: Fleet, tmp_path: Path) -> None:
    fleet.blueprint(bump)
    (tmp_path / "a file").touch()
    ended = fleet.run("plan", str(fleet.root), "--base=main", f"--steps={tmp_path / 'a file' / 'steps'}")
    assert (ended.exit_code, ended.slugs) == (7, ["file-system"])
