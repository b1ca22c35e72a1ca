"""Every case of `bad/*.yaml`: what is said, where, and the exit code, all three exactly.

A case is one line: how it differs from the good repository `bad/base`, and what is expected. Keys:

- `with`: a folder of `bad/parts` is laid over the base; `in`: the file that is changed, `blueprint.yaml` when absent
- `find`, `write`: text that stands there once, and what takes its place (`<root>` is the repository's folder)
- `change`: several of [file, find, write]
- `text`: the whole file; `copy`: [file, new file, find, write]; `copies`: [file, new file, first, last, change], where
  each {} is the number of the copy; `size`: a file of so many bytes, which holds nothing
- `fill`: [find, write, piece, count]: what takes the place of `find` goes on with many pieces
- `encoding`: the file is written in it; `cut` leaves off its last byte
- `expect`: `slug line` in the changed file, `slug file:line` elsewhere, `slug -` without a place; `exit`: the exit code
- `hidden`: text that must not be printed
"""

from __future__ import annotations

import json
import re
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgewright.check.pages import catalogue
from edgewright.check.rules import RULES, WHOLE_RULES
from edgewright.cli.main import run

_FOLDER = Path(__file__).parent / "bad"
_FILES = sorted(_FOLDER.glob("*.yaml"))
CASES: dict[str, dict[str, Any]] = {
    case["id"]: {"in": "blueprint.yaml", **case}
    for path in _FILES
    for case in yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
}
_ALLOWED_S = 1.0


def _replace(path: Path, find: str | None, write: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if find is not None:
        text = path.read_text(encoding="utf-8")
        assert text.count(find) == 1, f"{find!r} stands {text.count(find)} times in {path.name}"
        write = text.replace(find, write)
    path.write_text(write, encoding="utf-8")


def _encode(path: Path, encoding: str) -> None:
    text = path.read_text(encoding="utf-8")
    if encoding == "cut":
        path.write_bytes(text.encode()[: text.index("ü") + 1])
    else:
        path.write_bytes(text.encode(encoding))


def _copies(root: Path, source: str, target: str, first: int, last: int, changes: list[list[str]]) -> None:
    for number in map(str, range(first, last + 1)):
        copied = root / target.replace("{}", number)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / source, copied)
        for find, write in changes:
            _replace(copied, find, write.replace("{}", number))


def build(case: dict[str, Any], root: Path) -> None:
    """Write the repository of a case."""
    shutil.copytree(_FOLDER / "base", root)
    if "with" in case:
        shutil.copytree(_FOLDER / "parts" / case["with"], root, dirs_exist_ok=True)
    file = root / case["in"]
    if "copy" in case:
        source, target, find, write = case["copy"]
        copied = root / target
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / source, copied)
        _replace(copied, find, write)
    if "copies" in case:
        _copies(root, *case["copies"])
    if "text" in case:
        _replace(file, None, case["text"])
    if "find" in case:
        _replace(file, case["find"], case["write"].replace("<root>", str(root)))
    for name, find, write in case.get("change", ()):
        _replace(root / name, find, write)
    if "fill" in case:
        find, write, piece, count = case["fill"]
        _replace(file, find, write + piece * count)
    if "encoding" in case:
        _encode(file, case["encoding"])
    if "size" in case:
        with file.open("wb") as stream:
            stream.truncate(case["size"])


def said(printed: str, case: dict[str, Any]) -> list[str]:
    """What a run has found, in the form of `expect`."""
    found = []
    for item in json.loads(printed)["diagnostics"]:
        place = "-"
        if item["span"] is not None:
            path = item["span"]["path"].removeprefix("fleet/")
            line = item["span"]["line"]
            place = str(line) if path == case["in"] else f"{path}:{line}"
        found.append(f"{item['slug']} {place}")
    return found


@pytest.mark.parametrize("name", CASES)
def test_bad_case_is_reported_at_its_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    case = CASES[name]
    build(case, tmp_path / "fleet")
    monkeypatch.chdir(tmp_path)
    begun = time.monotonic()
    code = run(["--output", "json", "check", "fleet"])
    took_s = time.monotonic() - begun
    printed = capsys.readouterr()
    assert (said(printed.out, case), code) == (case["expect"], case["exit"])
    assert printed.err == ""
    assert took_s < _ALLOWED_S
    if "hidden" in case:
        assert case["hidden"] not in printed.out


_PRINTED = [name for name, case in CASES.items() if "hidden" in case or "copy" in case or "text" in case]


@pytest.mark.parametrize("name", _PRINTED)
def test_text_has_no_secret_and_nothing_that_a_terminal_obeys(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    case = CASES[name]
    build(case, tmp_path / "fleet")
    monkeypatch.chdir(tmp_path)
    assert run(["check", "fleet"]) == case["exit"]
    shown = capsys.readouterr().err
    assert "Traceback" not in shown
    assert not set(shown) & {chr(code) for code in (*range(10), *range(11, 32), 127, *range(0x202A, 0x202F))}
    assert all(f": {line.split(' ')[0]}  " in shown for line in case["expect"])
    if "hidden" in case:
        assert case["hidden"] not in shown


def test_there_are_at_least_150_cases_and_most_have_a_line() -> None:
    folders = [path for path in _FOLDER.iterdir() if path.is_dir() and path.name not in ("base", "parts")]
    expected = [line for case in CASES.values() for line in case["expect"]]
    assert len(CASES) + len(folders) >= 150
    assert sum(not line.endswith(" -") for line in expected) >= 0.95 * len(expected)


def test_every_rule_has_a_case() -> None:
    seen = {line.split(" ")[0] for case in CASES.values() for line in case["expect"]}
    for path in _FOLDER.glob("*/expected.txt"):
        seen |= set(
            re.findall(r"^(?:error|warning|note): ([a-z0-9-]+)  ", path.read_text(encoding="utf-8"), re.MULTILINE)
        )
    rules = {rule.__module__.rpartition(".")[2].replace("_", "-") for rule in (*RULES, *WHOLE_RULES)}
    # what plugins refuse has slugs of its own: recipe-method and the like
    assert rules - seen == {"backend-refused"}
    assert seen <= catalogue().keys()
