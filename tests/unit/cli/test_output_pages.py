"""Pages and summaries: as written in a pipe, drawn on a terminal, one line a slug."""

from __future__ import annotations

import json

import click
import pytest

from edgewright.check.pages import catalogue
from edgewright.cli.main import run
from edgewright.cli.output.pages import print_page, print_summaries, summary_of


def test_every_slug_has_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == sorted(catalogue())
    assert all(line.split("  ", 1)[1].strip() for line in lines)


def test_slug_of_a_page_of_several_has_its_own_words() -> None:
    page = catalogue()["suppression-reason"]
    assert summary_of("suppression-reason", page) == "The comment gives no reason."
    assert summary_of("suppression-unused", page) == "Nothing on that line has this slug."


def test_page_is_as_written_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "canary-size"]) == 0
    assert capsys.readouterr().out == catalogue()["canary-size"].text
    assert run(["explain", "canary-size", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"canary-size": catalogue()["canary-size"].text}


@pytest.mark.parametrize("form", ["text", "json"])
def test_closest_slug_is_named(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "canary-sise", "-o", form]) == 2
    printed = capsys.readouterr()
    assert "did you mean 'canary-size'?" in printed.out + printed.err


def test_page_is_drawn_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("edgewright.cli.output.pages.color_of", lambda _: True)
    monkeypatch.setenv("COLUMNS", "60")
    print_page("# Title\n\nSay `this` and **that**.\n\n    example: 1\n\x1b[2J\n")
    printed = capsys.readouterr().out
    assert click.unstyle(printed).splitlines() == ["Title", "", "Say this and that.", "", "    example: 1", "\ufffd[2J"]
    assert click.style("this", fg="cyan", bold=True) in printed
    print_summaries({"slug": "word " * 30})
    assert len(click.unstyle(capsys.readouterr().out).rstrip("\n")) == 60
