"""`edgewright init`: a repository that is right at once, written whole or not at all, and never over anything."""

from __future__ import annotations

import json
import re
import resource
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from edgewright.cli import init
from edgewright.cli.main import run
from edgewright.kernel.diagnostics import EdgewrightError
from edgewright.load.documents import load_repository
from edgewright.package.signing import verify_signature
from edgewright.scaffold.contents import FORGES, contents
from edgewright.spec.v1beta1.documents import API_VERSION

_PINNED = re.compile(r"[\w-]+(/[\w-]+)+@[0-9a-f]{40}")


def snapshot(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_new_repository_passes_check_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "shops"
    assert run(["init", str(folder)]) == 0
    capsys.readouterr()
    assert run(["check", str(folder)]) == 0
    said = re.findall(r"^(error|warning): ([a-z-]+)", capsys.readouterr().err, re.MULTILINE)
    assert said == [("warning", "signers-empty")], "nobody is trusted yet, and check says so"


def test_it_holds_what_a_fleet_needs_in_the_newest_language(tmp_path: Path) -> None:
    folder = tmp_path / "shops"
    assert run(["init", str(folder), "--name", "shelf-search"]) == 0
    repository = load_repository(folder)
    [(name, blueprint)] = repository.blueprints.items()
    assert (name, blueprint.path) == ("shelf-search", "blueprints/shelf-search.yaml")
    assert "shops" in repository.fleets
    assert repository.targets["counter-pc"].path == "targets/counter-pc.yaml"
    assert {loaded.document.api_version for loaded in (blueprint, repository.fleets["shops"])} == {API_VERSION}
    rows = [json.loads(line) for line in (folder / "data" / "handbook.jsonl").read_text().splitlines()]
    passages = {row["id"] for row in rows if "text" in row}
    assert {row["passage"] for row in rows if "query" in row} <= passages


def test_editors_find_the_schema_of_every_document(tmp_path: Path) -> None:
    run(["init", str(tmp_path)])
    documents = [*tmp_path.glob("blueprints/*"), *tmp_path.glob("fleets/*"), *tmp_path.glob("targets/*")]
    assert len(documents) == 3
    for document in documents:
        first = document.read_text().splitlines()[0]
        schema = document.parent / first.removeprefix("# yaml-language-server: $schema=")
        jsonschema.validate(yaml.safe_load(document.read_text()), json.loads(schema.read_text()))
    for pattern in json.loads((tmp_path / ".vscode" / "settings.json").read_text())["yaml.schemas"]:
        assert (tmp_path / pattern).is_file()


@pytest.mark.parametrize("name", ["no", "null", "true", "12", "1e3", "0x1f", "2026-11-23", "y", "a" * 63])
def test_every_name_that_the_language_allows_stays_text(name: str, tmp_path: Path) -> None:
    assert run(["init", str(tmp_path), "--name", name, "--ci", "none"]) == 0
    assert list(load_repository(tmp_path).blueprints) == [name]


@pytest.mark.parametrize("name", ["", "A", "a b", "../up", "-x", "a\nb", "a\n", "{{ x }}", "$(id)", "a" * 64, "@NAME@"])
def test_other_names_are_refused_before_anything_is_written(name: str, tmp_path: Path) -> None:
    assert run(["init", str(tmp_path / "shops"), f"--name={name}"]) == 2
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="kebab-case"):
        contents(name, ())


@pytest.mark.parametrize("ci", ["github", "gitlab", "both", "none"])
def test_the_pipelines_asked_for_are_written_and_no_other(ci: str, tmp_path: Path) -> None:
    assert run(["init", str(tmp_path), "--ci", ci]) == 0
    assert (tmp_path / ".github").exists() == (ci in {"github", "both"})
    assert (tmp_path / ".gitlab-ci.yml").exists() == (tmp_path / "ci").exists() == (ci in {"gitlab", "both"})
    said = (tmp_path / "README.md").read_text()
    assert ("GitHub" in said) == (ci in {"github", "both"})
    assert ("GitLab" in said) == (ci in {"gitlab", "both"})
    assert "@" not in said


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        run(["init", str(tmp_path / name)])
    assert snapshot(tmp_path / "one") == snapshot(tmp_path / "two") == contents("handbook-search", FORGES)


def test_an_existing_folder_keeps_what_it_has(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "notes.md").write_text("ours")
    (tmp_path / "data").mkdir()
    assert run(["init", str(tmp_path), "-o", "json"]) == 0
    assert (tmp_path / "notes.md").read_text() == "ours"
    written = json.loads(capsys.readouterr().out)["files"]
    assert set(snapshot(tmp_path)) - set(written) == {
        name for name in snapshot(tmp_path) if name.startswith(".git/") or name == "notes.md"
    }


def test_one_file_in_the_way_and_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "README.md").write_text("ours")
    (tmp_path / "fleets").write_text("a file where a folder should be")
    before = snapshot(tmp_path)
    assert run(["init", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "error: init-conflict  2 files are in" in said
    assert "README.md" in said
    assert "fleets" in said
    assert snapshot(tmp_path) == before
    assert run(["init", str(tmp_path)]) == 2, "a second time is refused like the first"


def test_a_second_init_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    assert run(["init", str(tmp_path / "shops")]) == 0
    (tmp_path / "shops" / "allowed_signers").write_text("edited")
    before = snapshot(tmp_path)
    assert run(["init", str(tmp_path / "shops")]) == 2
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("link", ["data", "allowed_signers", ".github/workflows"])
def test_no_link_is_followed_out_of_the_folder(link: str, tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "shops"
    outside.mkdir()
    (folder / link).parent.mkdir(parents=True)
    (folder / link).symlink_to(outside if link != "allowed_signers" else outside / "absent")
    assert run(["init", str(folder)]) == 2
    assert list(outside.iterdir()) == []
    assert not (folder / "README.md").exists()


def test_a_folder_that_cannot_take_all_takes_nothing(tmp_path: Path) -> None:
    # a limit of the operating system on the size of a file stands for a disk that is full half way
    largest = max(len(data) for data in contents("handbook-search", FORGES).values())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    (tmp_path / "there").mkdir()
    for name in ("there", "new"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest - 1, before[1]))
        try:
            code = run(["init", str(tmp_path / name)])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert code == 7
    assert [path.name for path in tmp_path.rglob("*")] == ["there"]


def test_nobody_is_trusted_before_a_key_was_written(tmp_path: Path) -> None:
    run(["init", str(tmp_path)])
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")], check=True)
    argv = ["ssh-keygen", "-Y", "sign", "-q", "-n", "edgewright-release", "-f", str(tmp_path / "key")]
    signature = subprocess.run(argv, input=b"data", capture_output=True, check=True).stdout
    with pytest.raises(EdgewrightError) as refused:
        verify_signature(b"data", signature, (tmp_path / "allowed_signers").read_bytes())
    assert refused.value.diagnostics[0].slug == "signature-invalid"


def test_hooks_and_requirements_name_one_version(tmp_path: Path) -> None:
    run(["init", str(tmp_path)])
    [wanted] = [line for line in (tmp_path / "requirements.txt").read_text().splitlines() if not line.startswith("#")]
    version = wanted.split("==")[1]
    hooks = yaml.safe_load((tmp_path / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    assert {dependency for hook in hooks for dependency in hook["additional_dependencies"]} == {
        f"edgewright=={version}"
    }
    shipped = yaml.safe_load((Path(__file__).parents[3] / ".pre-commit-hooks.yaml").read_text())
    assert [(hook["id"], hook["entry"]) for hook in hooks] == [(hook["id"], hook["entry"]) for hook in shipped]


def uses(document: Any) -> list[str]:
    if isinstance(document, dict):
        own = [document["uses"]] if isinstance(document.get("uses"), str) else []
        return own + [found for value in document.values() for found in uses(value)]
    return [found for value in document for found in uses(value)] if isinstance(document, list) else []


def test_every_action_is_pinned_by_its_commit_and_no_job_has_more_rights_than_it_needs(tmp_path: Path) -> None:
    run(["init", str(tmp_path)])
    rights: dict[str, dict[str, str]] = {}
    for workflow in (tmp_path / ".github" / "workflows").iterdir():
        document = yaml.safe_load(workflow.read_text())
        assert document["permissions"] == {}, workflow.name
        assert "pull_request_target" not in workflow.read_text()
        assert all(_PINNED.fullmatch(use) for use in uses(document)), uses(document)
        rights |= {name: job["permissions"] for name, job in document["jobs"].items()}
        for job in document["jobs"].values():
            for step in job["steps"]:
                if str(step.get("uses", "")).startswith("actions/checkout@"):
                    assert step["with"]["persist-credentials"] is False
    writers = {name: rights[name] for name in rights if "write" in rights[name].values()}
    assert writers == {
        "code-scanning": {"actions": "read", "contents": "read", "security-events": "write"},
        "comment": {"actions": "read", "pull-requests": "write"},
    }


def test_what_runs_the_code_of_a_pull_request_sees_no_secret(tmp_path: Path) -> None:
    run(["init", str(tmp_path)])
    workflow = (tmp_path / ".github" / "workflows" / "pull-request.yml").read_text()
    assert "secrets." not in workflow
    comment = (tmp_path / ".github" / "workflows" / "plan-comment.yml").read_text()
    assert "secrets." not in comment
    assert "checkout" not in comment.replace("checked out", "")
    assert init.command.name == "init"
