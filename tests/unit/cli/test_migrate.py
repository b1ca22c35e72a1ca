"""`edgewright migrate`: what it writes, what it prints, and what it leaves alone."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import pytest

from edgewright.cli.main import run
from edgewright.load.documents import load_repository

_GOLDEN = Path(__file__).parents[2] / "golden" / "versions"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "fleet"
    for path in (_GOLDEN / "v1alpha1").glob("*.yaml"):
        root.mkdir(exist_ok=True)
        shutil.copy(path, root / path.name)
    (root / "inventory.yaml").write_text("all: {hosts: {}}  # not ours\n")
    return root


def _texts(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(root.iterdir())}


def test_documents_are_rewritten_and_load_as_before(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = load_repository(repository)
    assert run(["migrate", str(repository)]) == 0
    printed = capsys.readouterr()
    assert "-apiVersion: edgewright/v1alpha1\n+apiVersion: edgewright/v1beta1\n" in printed.out
    assert printed.err == "6 documents changed\n"
    after = load_repository(repository)
    for old, new in (
        (before.blueprints, after.blueprints),
        (before.fleets, after.fleets),
        (before.compression_policies, after.compression_policies),
        (before.targets, after.targets),
        (before.locks, after.locks),
    ):
        assert {name: d.document for name, d in old.items()} == {name: d.document for name, d in new.items()}
    texts = _texts(repository)
    for path in (_GOLDEN / "v1beta1").glob("*.yaml"):
        assert texts.get(path.name, path.read_bytes()) == path.read_bytes()


def test_second_run_changes_nothing(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["migrate", str(repository)]) == 0
    before = _texts(repository)
    capsys.readouterr()
    assert run(["migrate", "--check", str(repository)]) == 0
    assert run(["migrate", str(repository)]) == 0
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "every document is in v1beta1\n" * 2)
    assert _texts(repository) == before


def test_check_writes_nothing_and_says_that_something_would_change(repository: Path) -> None:
    before = _texts(repository)
    assert run(["migrate", "--check", str(repository)]) == 6
    assert _texts(repository) == before


def test_back_to_the_older_version_and_forth(repository: Path) -> None:
    assert run(["migrate", str(repository)]) == 0
    newest = _texts(repository)
    assert run(["migrate", "--to", "v1alpha1", str(repository)]) == 0
    assert run(["migrate", str(repository)]) == 0
    assert _texts(repository) == newest


def test_nothing_is_written_while_a_document_is_wrong(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fleet = repository / "fleet.yaml"
    fleet.write_text(fleet.read_text().replace("supervisor: process", "supervisor: sysv"))
    before = _texts(repository)
    assert run(["migrate", str(repository)]) == 3
    assert "supervisor is 'sysv'" in capsys.readouterr().err
    assert _texts(repository) == before


def test_links_are_refused_and_permissions_kept(repository: Path, tmp_path: Path) -> None:
    target = repository / "target.yaml"
    target.chmod(0o600)
    assert run(["migrate", str(repository)]) == 0
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    outside = tmp_path / "outside.yaml"
    shutil.copy(_GOLDEN / "v1alpha1" / "fleet.yaml", outside)
    (repository / "linked.yaml").symlink_to(outside)
    assert run(["migrate", str(repository)]) == 3
    assert outside.read_bytes() == (_GOLDEN / "v1alpha1" / "fleet.yaml").read_bytes()


def test_schema_comment_follows_the_version(repository: Path) -> None:
    fleet = repository / "fleet.yaml"
    fleet.write_text(f"# yaml-language-server: $schema=../schemas/fleet.v1alpha1.json\n{fleet.read_text()}")
    assert run(["migrate", str(repository)]) == 0
    assert fleet.read_text().startswith("# yaml-language-server: $schema=../schemas/fleet.v1beta1.json\n")


@pytest.mark.parametrize("version", ["v1", "v1alpha", "", "../v1alpha1", "-x"])
def test_unknown_version_is_a_usage_error(repository: Path, version: str) -> None:
    before = _texts(repository)
    assert run(["migrate", f"--to={version}", str(repository)]) == 2
    assert _texts(repository) == before


def test_missing_folder_is_a_usage_error(tmp_path: Path) -> None:
    assert run(["migrate", str(tmp_path / "nowhere")]) == 2
