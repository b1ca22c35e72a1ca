"""The organisation policies that ship: each kept by one repository and broken by another, through the real command.

A case is a folder: the files by which it differs from the good repository `bad/base`, and the expected report. The part
of its name after the policy says how it ends; `-in-production` checks that environment.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from edgewright.check.pages import pages
from edgewright.cli.main import run
from edgewright.load.documents import shipped_policies

_FOLDER = Path(__file__).parent
_BASE = _FOLDER.parent / "bad" / "base"
CASES = sorted(path.name for path in _FOLDER.iterdir() if path.is_dir() and not path.name.startswith("__"))


@pytest.mark.parametrize("name", CASES)
def test_shipped_policy_says_where_and_what(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    update_golden: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(_BASE, "fleet")
    shutil.copytree(_FOLDER / name, "fleet", dirs_exist_ok=True, ignore=shutil.ignore_patterns("expected.txt"))
    environment = ["--environment", "production"] if "production" in name else []
    code = run(["check", *environment, "fleet"])
    said = capsys.readouterr().err
    if update_golden:
        (_FOLDER / name / "expected.txt").write_text(said, encoding="utf-8")
    assert said == (_FOLDER / name / "expected.txt").read_text(encoding="utf-8")
    assert code == (0 if name.endswith("kept") else 3)
    assert set(re.findall(r"^(?:error|warning): ([a-z-]+)", said, re.MULTILINE)) <= pages().keys()


def test_every_shipped_policy_has_cases_of_both_ends() -> None:
    for name in shipped_policies():
        texts = {case: (_FOLDER / case / "policies" / "org.yaml").read_text(encoding="utf-8") for case in CASES}
        ends = {case.rsplit("-", 1)[1] for case, text in texts.items() if f"[{name}]" in text}
        # that a commit is signed is shown with real keys in tests/unit/check/test_policies.py
        assert ends >= ({"broken"} if name == "signed-commits" else {"broken", "kept"}), name
