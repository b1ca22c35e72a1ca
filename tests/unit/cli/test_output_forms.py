"""Reports: each form has its golden file, and no text of a document, a path or a device can break one."""

from __future__ import annotations

import json
import re
import shutil
import xml.etree.ElementTree as ET
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.cli.findings import DOCUMENT, hostile, ordinary

from edgewright.cli.main import run
from edgewright.cli.output.findings import Findings, fingerprints
from edgewright.cli.output.report import FORMS, render
from edgewright.kernel.diagnostics import Diagnostic, Severity, Span

_GOLDEN = Path(__file__).parents[2] / "golden" / "outputs"
_BASE = Path(__file__).parents[2] / "golden" / "bad" / "base"
_ENVIRONMENTS = Path(__file__).parents[2] / "mutation" / "repository"
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@pytest.mark.parametrize("form", FORMS)
def test_form_is_as_recorded(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, update_golden: bool) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fleet").mkdir()
    text = render(form, ordinary(Path("fleet")))
    text = text.replace(f'"semanticVersion": "{version("edgewright")}"', '"semanticVersion": "VERSION"')
    if form == "sarif":
        log = json.loads(text)
        for rule in log["runs"][0]["tool"]["driver"]["rules"]:  # the words of pages are theirs
            rule["help"] = dict.fromkeys(rule.get("help", {}), f"<page of {rule['id']}>")
            rule |= {name: {"text": "<page>"} for name in ("shortDescription", "fullDescription") if name in rule}
        text = json.dumps(log, indent=2) + "\n"
    expected = _GOLDEN / f"report.{form}"
    if update_golden:
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_how_many_mistakes_it_leaves_out(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(_BASE, tmp_path / "fleet")
    with (tmp_path / "fleet" / "fleet.yaml").open("a", encoding="utf-8") as file:
        file.write("".join(f"key{number}: 1\n" for number in range(10_080)))
    assert run(["check", "--output", form, str(tmp_path / "fleet")]) == 3
    printed = capsys.readouterr()
    text = printed.out + printed.err
    assert text.count("9,980 more errors, the first 100 are shown") >= 1
    assert "key99" in text
    assert "key100" not in text


def test_what_is_left_out_is_told_of_once_in_all_environments(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(_ENVIRONMENTS, tmp_path / "fleet")
    with (tmp_path / "fleet" / "fleets" / "shops.yaml").open("a", encoding="utf-8") as file:
        file.write("".join(f"key{number}: 1\n" for number in range(1_000)))
    assert run(["check", "--output", "json", str(tmp_path / "fleet")]) == 3
    assert capsys.readouterr().out.count("900 more errors, the first 100 are shown") == 1


@pytest.mark.parametrize("form", FORMS)
def test_hostile_text_cannot_act_on_a_terminal(form: str, tmp_path: Path) -> None:
    text = render(form, hostile(tmp_path))
    assert not _CONTROL.findall(text)
    assert text.encode("utf-8").decode("utf-8") == text


@pytest.mark.parametrize("form", ["json", "jsonl", "sarif", "gitlab"])
def test_json_keeps_hostile_text_whole(form: str, tmp_path: Path) -> None:
    text = render(form, hostile(tmp_path))
    documents = [json.loads(line) for line in text.split("\n") if line] if form == "jsonl" else [json.loads(text)]
    said = list(_strings(documents))
    assert any("::e\n::error::f\r\x1b[31m\u202eg" in item for item in said)
    assert not any("\ud800" in item for item in said)
    assert len(documents) == (3 if form == "jsonl" else 1)


def test_workflow_command_cannot_be_ended_by_its_text(tmp_path: Path) -> None:
    lines = render("github", hostile(tmp_path)).split("\n")
    assert lines.pop() == ""
    assert [line.split(" ", 1)[0] for line in lines] == ["::error", "::error"]
    for line in lines:
        _, properties, message = line.split("::", 2)
        names = [item.partition("=")[0] for item in properties.removeprefix("error ").split(",")]
        assert set(names) <= {"file", "line", "endLine", "col", "endColumn", "title"}
        assert len(names) == len(set(names))
        assert all(found in {"25", "0A"} for found in re.findall("%(..)", message))
    assert "file=" in lines[0]
    assert "sub%2Cdir/a%2Cb%3Ac%25d%3A%3Ae" in lines[0]


def test_columns_of_a_range_over_several_lines_are_left_out(tmp_path: Path) -> None:
    line = render("github", Findings((Diagnostic("slug", "m", span=Span("a.yaml", 1, 2, 3, 4)),), root=tmp_path))
    assert ",line=1,endLine=3,title=" in line


def test_junit_is_xml_with_a_case_for_every_document_and_slug(tmp_path: Path) -> None:
    (tmp_path / "fleet").mkdir()
    top = ET.fromstring(render("junit", ordinary(tmp_path / "fleet")))
    assert (top.get("tests"), top.get("failures"), top.get("skipped")) == ("5", "1", "1")
    names = {case.get("name") for case in top.iter("testcase")}
    assert names == {"unknown-key", "target-memory", "unknown-slug", "canary-size", "no findings"}
    attacked = ET.fromstring(render("junit", hostile(tmp_path)))
    assert [case.get("name") for case in attacked.iter("testcase")].count("wrong-value") == 1
    assert "]]>--{{ x }}$(reboot)" in (attacked.findtext(".//failure") or "")


def test_gitlab_names_each_finding_once(tmp_path: Path) -> None:
    span = Span("a.yaml", 1, 1, 1, 2)
    twice = tuple(Diagnostic("slug", f"message {n}", span=span) for n in range(3))
    entries = json.loads(render("gitlab", Findings(twice, root=tmp_path)))
    assert len({entry["fingerprint"] for entry in entries}) == 3
    assert {entry["location"]["path"] for entry in entries} == {"a.yaml"}
    assert all(entry["severity"] in {"info", "minor", "major", "critical", "blocker"} for entry in entries)


def test_fingerprint_stays_when_lines_move_and_changes_with_the_line(tmp_path: Path) -> None:
    def marks(text: str, line: int) -> list[str]:
        (tmp_path / "blueprint.yaml").write_text(text, encoding="utf-8")
        diagnostic = Diagnostic("slug", f"the first is at line {line}", span=Span("blueprint.yaml", line, 5, line, 9))
        return fingerprints([diagnostic], Findings((), root=tmp_path).sources)

    first = marks(DOCUMENT, 6)
    assert marks("# moved\n\n" + DOCUMENT, 8) == first
    assert marks(DOCUMENT.replace("2048", "4096"), 6) != first
    assert marks(DOCUMENT, 5) != first


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(max_size=40), severity=st.sampled_from(Severity))
def test_any_text_leaves_every_form_readable(tmp_path: Path, text: str, severity: Severity) -> None:
    path = text.replace("\0", "").replace("/", "")[:20] or "a"
    diagnostic = Diagnostic("slug", text, span=Span(path, 1, 1, 1, 2), notes=(text,), hint=text, severity=severity)
    findings = Findings((diagnostic,), documents=(path,), root=tmp_path)
    for form in ("json", "jsonl", "gitlab"):
        json.loads(render(form, findings))
    ET.fromstring(render("junit", findings))
    assert render("github", findings).count("\n") == 1
    assert render("jsonl", findings).count("\n") == 1
    assert len(render("text", findings).split("\n")) <= 8


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for item in inner for text in _strings(item)]


def test_reports_are_written_beside_what_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(_BASE.parents[1])
    reports = [f"--report={form}={tmp_path / 'new' / form}" for form in FORMS]
    assert run(["check", "bad/unknown-key", *reports]) == 3
    printed = capsys.readouterr()
    assert printed.out == ""
    assert (tmp_path / "new" / "text").read_text("utf-8") == printed.err
    for form in set(FORMS) - {"text"}:
        assert run(["check", "bad/unknown-key", "-o", form]) == 3
        printed = capsys.readouterr()
        assert (printed.out, printed.err) == ((tmp_path / "new" / form).read_text("utf-8"), "")


@pytest.mark.parametrize("form", set(FORMS) - {"text"})
def test_documents_that_cannot_be_loaded_give_a_report_too(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["check", str(tmp_path / "absent"), "-o", form, "--report", f"{form}={tmp_path / 'report'}"]
    assert run(arguments) == 2
    printed = capsys.readouterr()
    assert printed.err == ""
    assert "no-repository" in printed.out
    assert printed.out == (tmp_path / "report").read_text("utf-8")


@pytest.mark.parametrize("value", ["sarif", "sarif=", "xml=report", "=report", ""])
def test_report_that_is_not_form_and_file_is_a_wrong_command_line(
    value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", str(_BASE), "--report", value]) == 2
    assert "is not FORM=FILE with one of text, json" in capsys.readouterr().err


@pytest.mark.parametrize("repository", ["base", "absent"])
def test_report_that_cannot_be_written_is_said_once(
    repository: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    target = tmp_path / "file" / "report"
    assert run(["check", str(_BASE.parent / repository), "--report", f"sarif={target}"]) == 7
    printed = capsys.readouterr()
    assert f"file-system  the report {target} cannot be written" in printed.err
    assert "Traceback" not in printed.err
    assert printed.out == ""


def test_report_replaces_a_link_and_leaves_what_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("kept", "utf-8")
    (tmp_path / "report").symlink_to(tmp_path / "outside")
    assert run(["check", str(_BASE), "--report", f"json={tmp_path / 'report'}"]) == 0
    assert (tmp_path / "outside").read_text("utf-8") == "kept"
    assert not (tmp_path / "report").is_symlink()


def test_other_commands_keep_text_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-o", "sarif", "check", str(_BASE)]) == 2
    assert run(["plan", "-o", "sarif", str(_BASE)]) == 2
    assert "is not one of" in capsys.readouterr().err
