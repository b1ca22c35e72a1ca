"""What stands where a file should be: each is told at its place, and nothing is waited for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edgewright.check.datasets import read_dataset
from edgewright.cli.main import run
from edgewright.load.tree import find_candidates

_BASE = Path(__file__).parents[2] / "golden" / "bad" / "base"
_NOBODY = 65534
Make = Callable[[Path], None]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A good repository as the current folder."""
    shutil.copytree(_BASE, tmp_path / "shop")
    monkeypatch.chdir(tmp_path / "shop")
    return Path()


@contextmanager
def _as_somebody() -> Iterator[None]:
    """Root may read all: be somebody who may read only what everybody may."""
    me = os.geteuid()
    if me == 0:
        os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(me)


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


def _folder(path: Path) -> None:
    path.mkdir()


def _pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_loop, "is reached through a link"),
        (_folder, "is a folder, a pipe or a device"),
        (_pipe, "is a folder, a pipe"),
    ],
)
def test_a_dataset_that_is_no_file_is_told_where_it_is_named(
    make: Make, said: str, shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = shop / "data" / "questions.jsonl"
    dataset.unlink()
    make(dataset)
    assert run(["check"]) == 3
    printed = capsys.readouterr().err
    assert f"dataset-missing  the dataset data/questions.jsonl {said}" in printed
    assert "--> blueprint.yaml:13:" in printed


@pytest.mark.parametrize("make", [_loop, _folder, _pipe])
def test_signers_that_are_no_file_are_not_passed_over(
    make: Make, shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make(shop / "allowed_signers")
    assert run(["check"]) == 3
    assert "signers-malformed  allowed_signers is a link, a folder or a pipe" in capsys.readouterr().err


def test_a_link_to_itself_is_a_link_and_no_bug(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _loop(shop / "notes")
    assert run(["check"]) == 0
    _loop(shop / "pi.yaml")
    assert run(["check"]) == 3
    assert "symlink  pi.yaml is a symbolic link" in capsys.readouterr().err


def test_what_may_not_be_read_is_told_and_the_rest_is_read_all_the_same(shop: Path) -> None:
    shop.chmod(0o755)
    for folder in ("fleets", "targets"):
        (shop / folder).mkdir()
        (shop / folder / "a.yaml").write_text("kind: Fleet\n")
    modes = {"fleets": 0, "targets": 0o644, "data/questions.jsonl": 0}
    for name, mode in modes.items():
        (shop / name).chmod(mode)
    try:
        with _as_somebody():
            found = {candidate.path: candidate for candidate in find_candidates(shop)}
            state = read_dataset(shop, "data/questions.jsonl").state
    finally:
        for name in modes:
            (shop / name).chmod(0o755)
    told = {path: candidate.problem for path, candidate in found.items() if candidate.problem is not None}
    assert {path: problem.slug for path, problem in told.items()} == {
        "fleets": "file-unreadable",
        "targets/a.yaml": "file-unreadable",
    }
    assert told["fleets"].message == "fleets cannot be read: permission denied"
    assert found["blueprint.yaml"].is_document
    assert state == "unreadable"


@pytest.mark.parametrize("make", [_pipe, _folder])
def test_a_document_that_is_no_file_is_told_with_the_way_out(
    make: Make, shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make(shop / "pi.yaml")
    is_folder = (shop / "pi.yaml").is_dir()  # it may have that name, and is looked through
    assert run(["check"]) == (0 if is_folder else 3)
    told = "not-a-file  pi.yaml is not a regular file\n  = hint: put a regular file in its place, or remove it\n"
    assert (told in capsys.readouterr().err) is not is_folder
