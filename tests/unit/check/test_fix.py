"""Fixes change what they say and nothing else: comments, order and formatting survive, and a second run has no work."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewright.check.fix import mend
from edgewright.cli.main import run
from edgewright.kernel.beneath import read_beneath, replace_beneath
from edgewright.kernel.diagnostics import Diagnostic, EdgewrightError, Edit, Fix, Span, sure_match
from edgewright.load.drafts import read_drafts, validate
from edgewright.load.fixes import second_keys_fixed
from edgewright.load.rewrite import comments
from edgewright.load.tree import Candidate
from edgewright.load.yaml12 import parse
from edgewright.spec.v1beta1.fleet import Fleet

_BASE = Path(__file__).parents[2] / "golden" / "bad" / "base"


def _edit(line: int, column: int, end: int, replacement: str, path: str = "a.yaml") -> Fix:
    return Fix("write it", (Edit(Span(path, line, column, line, end), replacement),))


def _mended(text: str, *fixes: Fix) -> tuple[str, int]:
    mended = mend(text, "a.yaml", fixes)
    return mended.text, len(mended.applied)


def test_key_is_renamed_where_it_stands() -> None:
    text = "# first\nb: {contxt: 1, x: 2}  # why\r\n\na: 'y'\n"
    expected = "# first\nb: {context: 1, x: 2}  # why\r\n\na: 'y'\n"
    assert _mended(text, _edit(2, 5, 11, "context")) == (expected, 1)


@pytest.mark.parametrize(
    ("line", "column", "end", "replacement"),
    [
        (1, 1, 2, "b"),  # a key that is there
        (1, 4, 5, "2, c: 3"),  # a value becomes something else
        (1, 4, 5, "[1]"),
        (1, 4, 5, "1\nc: 2"),
        (1, 4, 5, "*a"),
        (2, 1, 2, ""),
        (1, 1, 5, ""),  # a key and its value
        (1, 1, 4, "c: "),  # not the place of a key
        (9, 1, 2, "x"),
        (1, 99, 100, "x"),
        (1, 1, 2, "{{ x }}"),
    ],
)
def test_edit_that_does_more_than_it_says_is_not_made(line: int, column: int, end: int, replacement: str) -> None:
    text = "a: 1\nb: 2\n"
    assert _mended(text, _edit(line, column, end, replacement)) == (text, 0)


def test_one_wrong_fix_does_not_stop_the_others() -> None:
    good, wrong, overlapping = _edit(1, 1, 2, "c"), _edit(2, 4, 5, "[1]"), _edit(1, 1, 2, "d")
    assert _mended("a: 1\nb: 2\n", good, wrong, overlapping) == ("c: 1\nb: 2\n", 1)


def test_fix_of_another_file_is_left_alone() -> None:
    assert _mended("a: 1\n", _edit(1, 1, 2, "c", path="b.yaml")) == ("a: 1\n", 0)


@pytest.mark.parametrize(
    ("name", "known", "meant"),
    [
        ("max_unavailable", {"maxUnavailable", "failureBudget"}, "maxUnavailable"),
        ("contxt", {"context"}, "context"),
        ("onnxruntine", {"onnxruntime", "onnxruntime-genai", "tvm"}, "onnxruntime"),
        ("wiat", {"wait", "skip", "fail"}, "wait"),
        ("raspberry-pi-4-3g", {"raspberry-pi-4-2g", "raspberry-pi-4-4g"}, None),
        ("raspberry-pi-4-3g", {"raspberry-pi-4-2g"}, None),
        ("int4", {"int8"}, None),
        ("min", {"max"}, None),
        ("targt", {"target", "targot"}, None),
        ("a_b", {"a-b", "aB"}, None),
        ("x" * 100_000, {"context"}, None),
    ],
)
def test_only_one_word_can_have_been_meant(name: str, known: set[str], meant: str | None) -> None:
    assert sure_match(name, known) == meant


_TYPOS = {
    "apiVersion: edgewright/v1beta1": "apiVersion: edgewright/v1beta1",
    "kind: Fleet": "kind: fleet",
    "metadata:": "metdata:",
    "  name: shops": "  naem: shops",
    "spec:": "spec:",
    "  devices:": "  devcies:",
    "    - name: till-1": "    - nmae: till-1",
    "      target: x86-64-v3": "      traget: x86-64-v3",
    "      connection: {type: local}": "      connection: {type: locla}",
}
"""Lines of a fleet, and the same with a typing error."""

_COMMENTS = st.sampled_from(["", "  # why", "\n# above: {a}", "\n\n   # between 'quotes'", "  # typ naem fleet"])


@given(st.lists(st.booleans(), min_size=len(_TYPOS), max_size=len(_TYPOS)), st.lists(_COMMENTS, min_size=9, max_size=9))
def test_comments_order_and_layout_survive(wrong: list[bool], said: list[str]) -> None:
    pairs = list(zip(_TYPOS.items(), wrong, said, strict=True))
    text = "".join(f"{bad if is_wrong else good}{comment}\n" for (good, bad), is_wrong, comment in pairs)
    right = "".join(f"{good}{comment}\n" for (good, _), _, comment in pairs)
    mended = text
    for _ in range(6):
        fixes = [diagnostic.fix for diagnostic in _diagnostics(mended) if diagnostic.fix]
        mended = mend(mended, "fleet.yaml", fixes).text
    assert comments(mended) == comments(text)
    assert mended == right


def _diagnostics(text: str) -> list[Diagnostic]:
    reading = read_drafts([Candidate("fleet.yaml", text.encode(), len(text), is_document=True)])
    if reading.drafts:
        return validate(reading.drafts[0].parsed, Fleet)[1]
    return reading.problems


@pytest.mark.parametrize(
    ("second", "left"),
    [
        ("  b: 1\n", ""),
        ("  b: 1  \r\n", ""),
        ("  'b': 1\n", None),
        ("  b: 1", ""),
        ("  b: 1  # why\n", None),
        ("  b: 2\n", None),
        ("  b: '1'\n", None),
        ("  b: 1.0\n", None),
        ("  b: {c: 1}\n", None),
        ("  b: |\n    1\n", None),
    ],
)
def test_second_key_that_says_the_same_is_removed(second: str, left: str | None) -> None:
    text = f"a:\n  b: 1\n  # kept\n{second}"
    [found] = _second_keys(text)
    assert found.slug == "duplicate-key"
    assert (found.fix is None) is (left is None)
    if found.fix is not None:
        assert _mended(text, found.fix) == (text.removesuffix(second), 1)


def test_second_key_beside_others_stays() -> None:
    for text in ("{b: 1, b: 1}\n", "- b: 1\n  c: {d: 1, d: 1}\n"):
        assert [problem.fix for problem in _second_keys(text)] == [None]


def test_one_run_removes_every_second_key_however_many(repository: Path) -> None:
    fleet = repository / "fleet.yaml"
    right = fleet.read_text(encoding="utf-8")
    fleet.write_text(right + "kind: Fleet\n" * 3000, encoding="utf-8")
    assert run(["check", "--fix", str(repository)]) == 0
    assert fleet.read_text(encoding="utf-8") == right


def test_one_fix_that_cannot_be_made_keeps_back_no_other() -> None:
    text = "".join(f"k{number}: a\n" for number in range(300)) + "k7: a\n  more\n" + "k8: a\n" * 300
    fixes = [problem.fix for problem in _second_keys(text) if problem.fix is not None]
    mended, applied = _mended(text, *fixes)
    assert (len(fixes), applied) == (301, 300)
    assert mended == text.replace("more\n" + "k8: a\n" * 300, "more\n")


def test_fixes_that_all_do_harm_are_not_tried_one_by_one() -> None:
    lines = [f"k{number}: a\n" for number in range(2000)]
    text = "".join(lines) + "".join(f"other-{line}{line}  more\n" for line in lines)
    fixes = [problem.fix for problem in _second_keys(text) if problem.fix is not None]
    assert len(fixes) == 2000
    assert _mended(text, *fixes) == (text, 0)


def _second_keys(text: str) -> list[Diagnostic]:
    parsed, problems = parse(text.encode(), "a.yaml")
    assert parsed is not None
    return second_keys_fixed(problems, text.encode(), parsed.spans)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "fleet"
    shutil.copytree(_BASE, folder)
    return folder


def test_check_fix_mends_files_and_says_what_it_changed(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blueprint = repository / "blueprint.yaml"
    right = blueprint.read_bytes().decode()
    wrong = right.replace("context:", "contxt:  # a comment\n     ").replace("maxUnavailable", "max_unavailable")
    wrong = right.replace("    soak:", "    # kept\n    Soak:").replace("  fleet: {ref", "  fleet:  {re_f")
    blueprint.write_bytes(wrong.encode())
    blueprint.chmod(0o640)
    assert run(["check", "--fix", str(repository)]) == 0
    printed = capsys.readouterr()
    assert printed.out == "1 blueprint is right: assistant\n"
    assert "-  fleet:  {re_f: shops}\n+  fleet:  {ref: shops}" in printed.err
    assert blueprint.read_bytes().decode() == wrong.replace("Soak", "soak").replace("re_f", "ref")
    assert blueprint.stat().st_mode & 0o777 == 0o640
    before = blueprint.stat()
    assert run(["check", "--fix", str(repository)]) == 0
    assert capsys.readouterr().err == ""
    assert (blueprint.stat().st_ino, blueprint.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_mistake_behind_a_mistake_is_mended_too(repository: Path) -> None:
    blueprint = repository / "blueprint.yaml"
    right = blueprint.read_text(encoding="utf-8")
    blueprint.write_text(right.replace("kind: Blueprint", "kind: blueprint").replace("fleet:", "fleat:"), "utf-8")
    assert run(["check", "--fix", str(repository)]) == 0
    assert blueprint.read_text(encoding="utf-8") == right


def test_diff_hides_secrets_and_cannot_act_on_a_terminal(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blueprint = repository / "blueprint.yaml"
    token = "ghp_" + "a1B2" * 9
    text = blueprint.read_text(encoding="utf-8").replace("fleet: {ref:", f"fleat:   # {token} \u200b\n    {{ref:")
    blueprint.write_text(text, encoding="utf-8")
    run(["check", "--fix", str(repository)])
    printed = capsys.readouterr().err
    assert "+  fleet:   # " in printed
    assert token not in printed
    assert "\u200b" not in printed


def test_what_is_not_certain_stays_as_it_is(repository: Path) -> None:
    blueprint = repository / "blueprint.yaml"
    text = blueprint.read_text(encoding="utf-8").replace("soak: 10m", "soak: 10").replace("context: 2048", "ctx: 1")
    blueprint.write_text(text, "utf-8")
    assert run(["check", "--fix", str(repository)]) == 3
    assert blueprint.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("name", ["link.yaml", "linked/a.yaml", "../a.yaml", "/etc/hostname", "a\0b", "gone.yaml", ""])
def test_nothing_is_read_or_written_through_a_link_or_outside(name: str, tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    for folder in (root, outside):
        folder.mkdir()
    (outside / "a.yaml").write_text("a: 1\n", "utf-8")
    (tmp_path / "a.yaml").write_text("a: 1\n", "utf-8")
    (root / "link.yaml").symlink_to(outside / "a.yaml")
    (root / "linked").symlink_to(outside)
    with pytest.raises(EdgewrightError):
        read_beneath(root, name, 100)
    with pytest.raises(EdgewrightError):
        replace_beneath(root, name, b"b: 2\n")
    assert (outside / "a.yaml").read_text("utf-8") == (tmp_path / "a.yaml").read_text("utf-8") == "a: 1\n"


def test_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(EdgewrightError):
        read_beneath(tmp_path, "pipe.yaml", 100)


def test_text_that_is_not_yaml_is_not_touched() -> None:
    assert parse(b"a: [", "a.yaml")[0] is None
    assert _mended("a: [", _edit(1, 1, 2, "b")) == ("a: [", 0)
