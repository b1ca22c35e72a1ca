"""What is drawn: excerpts with their marks, one line an event, tables that read nothing as markup."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from edgewright.cli.output.diagnostics import render_text
from edgewright.cli.output.progress import ProgressLines
from edgewright.cli.output.sources import Sources
from edgewright.cli.output.tables import print_table
from edgewright.cli.output.terminal import plain
from edgewright.kernel.diagnostics import Diagnostic, Span
from edgewright.kernel.events import Event, Phase


def _rendered(tmp_path: Path, text: str, span: Span) -> list[str]:
    (tmp_path / span.path).write_text(text, encoding="utf-8")
    return _text(Diagnostic("slug", "message", span=span), tmp_path).split("\n")


def _text(diagnostic: Diagnostic, root: Path) -> str:
    return click.unstyle(render_text([diagnostic], Sources([root]))).removesuffix("\n")


def test_marks_stand_below_what_is_meant(tmp_path: Path) -> None:
    lines = _rendered(tmp_path, "a: 1\nb: [one, two]\n", Span("a.yaml", 2, 10, 2, 13))
    assert lines[2:] == ["  |", "2 | b: [one, two]", "  |          ^^^"]


def test_span_over_several_lines_is_marked_to_the_end_of_its_first(tmp_path: Path) -> None:
    lines = _rendered(tmp_path, "a:\n  b: 1\n  c: 2\n", Span("a.yaml", 2, 3, 4, 1))
    assert lines[-1] == "  |   ^^^^"


def test_long_line_is_cut_around_the_span(tmp_path: Path) -> None:
    lines = _rendered(tmp_path, "x" * 5000 + "HERE" + "y" * 5000, Span("a.yaml", 1, 5001, 1, 5005))
    assert len(lines[-2]) < 200
    start = lines[-1].index("^")
    assert lines[-2][start : start + 4] == "HERE"


@pytest.mark.parametrize("span", [Span("gone.yaml", 1, 1, 1, 2), Span("a.yaml", 99, 1, 99, 2)])
def test_place_without_a_line_is_still_named(tmp_path: Path, span: Span) -> None:
    (tmp_path / "a.yaml").write_text("a: 1\n", encoding="utf-8")
    text = _text(Diagnostic("slug", "message", span=span), tmp_path)
    assert text.endswith(f"{span.line}:{span.column}")


def test_hostile_text_cannot_move_the_cursor(tmp_path: Path) -> None:
    diagnostic = Diagnostic("slug", "a\x1b[2Jb", subject="host\r\nfake", notes=("\x07",), hint="\x9b1m")
    text = _text(diagnostic, tmp_path)
    assert "a\ufffd[2Jb" in text
    assert not any((ord(c) < 32 and c != "\n") or 127 <= ord(c) < 160 for c in text)
    assert plain("a\x1b[31m") == "a\ufffd[31m"


@pytest.mark.parametrize(
    ("phase", "printed"),
    [("start", True), ("done", True), ("failed", True), ("note", True), ("cached", False)],
)
def test_log_has_one_line_for_each_change(phase: Phase, printed: bool, capsys: pytest.CaptureFixture[str]) -> None:
    ProgressLines()(Event("build", "assistant x86-64-v3", phase, "int8", 1.5))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == printed
    if printed:
        assert lines[0].endswith(f"build     {phase:6} assistant x86-64-v3: int8 (1.5 s)")
        assert "\x1b" not in lines[0]


def test_terminal_has_a_live_line_that_ends_with_the_work(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgewright.cli.output.progress.is_terminal", lambda: True)
    sink = ProgressLines()
    sink(Event("build", "one", "start"))
    assert "build one …" in capsys.readouterr().err
    sink(Event("build", "one", "done"))
    printed = capsys.readouterr().err
    assert "done" in printed
    assert printed.endswith("\x1b[2K")


def test_cells_are_text_not_markup(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["[bold]name", "value"], [["edgewright[fleet]", "\x1b[2J1"]], title="[red]t")
    printed = capsys.readouterr().out
    assert "edgewright[fleet]" in printed
    assert "[bold]name" in printed
    assert "[red]t" in printed
    assert "\x1b" not in printed
