"""What overlays come to, as people see it: merged documents, the origin of every value, and mistakes at their place.

`overlays/shops` is a repository with two environments and a site; `overlays/wrong` is laid over it. So is
`overlays/hosted`, in which an Ansible inventory has the devices, and `overlays/hosted-wrong` over that.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from edgewright.cli.main import run

_FOLDER = Path(__file__).parent / "overlays"
_SHOWN = {
    "assistant": ("assistant", "--origin"),
    "assistant-in-production": ("assistant", "--origin", "-e", "production"),
    "assistant-in-staging": ("assistant", "-e", "staging"),
    "shops-in-production": ("fleet/shops", "--origin", "-e", "production"),
    "assistant-in-production-as-json": ("assistant", "-e", "production", "-o", "json"),
}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "fleet"
    shutil.copytree(_FOLDER / "shops", folder)
    monkeypatch.chdir(tmp_path)
    return folder


def _compare(text: str, name: str, update_golden: bool) -> None:
    expected = _FOLDER / "expected" / name
    if update_golden:
        expected.parent.mkdir(exist_ok=True)
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("name", _SHOWN)
def test_merged_document_is_shown(name: str, capsys: pytest.CaptureFixture[str], update_golden: bool) -> None:
    document, *options = _SHOWN[name]
    assert run(["show", document, "fleet", *options]) == 0
    _compare(capsys.readouterr().out, f"{name}.txt", update_golden)


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("options", [(), ("-e", "production"), ("-e", "staging")])
def test_what_is_shown_can_be_written_back(
    options: tuple[str, ...], repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is a document itself: the one that has the same effect without any overlay."""
    assert run(["show", "assistant", "fleet", "--origin", *options]) == 0
    shown = capsys.readouterr().out
    blueprint = next(part for part in shown.split("---\n") if yaml.safe_load(part)["kind"] == "Blueprint")
    shutil.rmtree(repository / "overlays")
    (repository / "blueprint.yaml").write_text(blueprint, encoding="utf-8")
    assert run(["show", "assistant", "fleet"]) == 0
    values = [line.split("  #")[0].rstrip() for line in shown.splitlines()]
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()][: len(blueprint.splitlines())] == values[
        : len(blueprint.splitlines())
    ]


@pytest.mark.usefixtures("repository")
def test_repository_with_overlays_passes_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "fleet"]) == 0
    assert capsys.readouterr().out == "1 blueprint is right: assistant\n"


def test_mistakes_in_overlays_are_explained(
    repository: Path, capsys: pytest.CaptureFixture[str], update_golden: bool
) -> None:
    shutil.copytree(_FOLDER / "wrong", repository, dirs_exist_ok=True)
    assert run(["check", "fleet"]) == 3
    _compare(capsys.readouterr().err, "wrong.txt", update_golden)


def test_what_reaches_the_hosts_of_an_inventory_is_shown(
    repository: Path, capsys: pytest.CaptureFixture[str], update_golden: bool
) -> None:
    shutil.copytree(_FOLDER / "hosted", repository, dirs_exist_ok=True)
    assert run(["check", "fleet"]) == 0
    capsys.readouterr()
    assert run(["show", "fleet/shops", "fleet", "--origin", "-e", "production"]) == 0
    _compare(capsys.readouterr().out, "hosted-in-production.txt", update_golden)


def test_mistakes_of_sites_are_explained_where_an_inventory_has_the_devices(
    repository: Path, capsys: pytest.CaptureFixture[str], update_golden: bool
) -> None:
    for name in ("hosted", "hosted-wrong"):
        shutil.copytree(_FOLDER / name, repository, dirs_exist_ok=True)
    assert run(["check", "fleet"]) == 3
    _compare(capsys.readouterr().err, "hosted-wrong.txt", update_golden)
