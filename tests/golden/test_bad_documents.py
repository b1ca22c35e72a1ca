"""Every bad document ends with a diagnostic at its place, the documented exit code, and no traceback.

A case is a folder in `bad/`: the files by which it differs from the good repository `bad/base`, and the expected text.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from edgewright.check.pages import pages
from edgewright.cli.main import run

_FOLDER = Path(__file__).parent / "bad"
_BASE = _FOLDER / "base"


def _oversized(repository: Path) -> None:
    text = (repository / "blueprint.yaml").read_text(encoding="utf-8")
    (repository / "blueprint.yaml").write_text(text + "# filler\n" * (2 * 2**20 // 9), encoding="utf-8")


def _linked_document(repository: Path) -> None:
    (repository / "fleet.yaml").rename(repository / "elsewhere.txt")
    (repository / "fleet.yaml").symlink_to("elsewhere.txt")


def _linked_dataset(repository: Path) -> None:
    (repository / "data/questions.jsonl").unlink()
    (repository / "data/questions.jsonl").symlink_to("/etc/hostname")


def _empty(repository: Path) -> None:
    for path in repository.rglob("*.yaml"):
        path.unlink()


GENERATED: dict[str, Callable[[Path], None]] = {
    "two-mebibytes": _oversized,
    "linked-document": _linked_document,
    "linked-dataset": _linked_dataset,
    "empty-repository": _empty,
}
CASES = sorted({path.name for path in _FOLDER.iterdir() if path.is_dir()} - {"base", "parts"} | GENERATED.keys())


@pytest.fixture
def repository(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "fleet"
    shutil.copytree(_BASE, folder)
    name: str = request.param
    if (_FOLDER / name).is_dir():
        shutil.copytree(_FOLDER / name, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("expected.txt"))
    if name in GENERATED:
        GENERATED[name](folder)
    monkeypatch.chdir(tmp_path)
    return folder


def _slugs(text: str) -> set[str]:
    headlines = (line for line in text.splitlines() if line.startswith(("error: ", "warning: ")))
    return {line.split(": ", 1)[1].split("  ")[0] for line in headlines}


@pytest.mark.parametrize(("repository", "name"), [(n, n) for n in CASES], indirect=["repository"], ids=CASES)
def test_bad_document_is_explained(
    repository: Path, name: str, capsys: pytest.CaptureFixture[str], update_golden: bool
) -> None:
    before = {path: path.read_bytes() for path in repository.rglob("*") if path.is_file()}
    code = run(["check", "fleet"])
    printed = capsys.readouterr()
    expected = _FOLDER / name / "expected.txt"
    if update_golden:
        expected.parent.mkdir(exist_ok=True)
        expected.write_text(printed.err, encoding="utf-8")
    assert printed.err == expected.read_text(encoding="utf-8")
    only_warnings = "error: " not in printed.err
    assert code == (0 if only_warnings else 3)
    assert only_warnings or printed.out == ""
    assert "Traceback" not in printed.err
    assert _slugs(printed.err) <= pages().keys()
    assert before == {path: path.read_bytes() for path in repository.rglob("*") if path.is_file()}


@pytest.mark.parametrize("repository", ["base"], indirect=True)
def test_good_repository_passes_in_silence(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", str(repository)]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out == "1 blueprint is right: assistant\n"


@pytest.mark.parametrize("repository", ["several-files"], indirect=True)
def test_errors_as_json_have_the_same_places(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "fleet"]) == 3
    text = capsys.readouterr().err
    assert run(["--output", "json", "check", "fleet"]) == 3
    printed = capsys.readouterr()
    found = json.loads(printed.out)["diagnostics"]
    assert printed.err == ""
    assert len(found) == text.count("error: ")
    for item in found:
        span = item["span"]
        assert f"--> {span['path']}:{span['line']}:{span['column']}" in text
        assert item["message"] in text
