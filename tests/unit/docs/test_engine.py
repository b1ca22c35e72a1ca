"""What runs the pages is itself held to what it promises."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.docs.pages import Page, is_as_shown
from tests.docs.shell import run_page


def a_page(text: str) -> Page:
    return Page(Path("page.md"), text)


def test_what_a_page_leaves_is_cleaned_from_its_first_folder_wherever_it_went(tmp_path: Path) -> None:
    page = a_page("<!-- finally: touch cleaned -->\n```console\n$ mkdir inner\n$ cd inner\n$ pwd\n```\n")
    ran = run_page(page, tmp_path)
    assert ran[-1].printed.strip() == str(tmp_path / "work" / "inner")
    assert (tmp_path / "work" / "cleaned").is_file()


def test_a_page_that_kills_its_own_shell_is_cleaned_all_the_same(tmp_path: Path) -> None:
    page = a_page("<!-- finally: touch cleaned -->\n```console\n$ kill -9 $$\n```\n")
    run_page(page, tmp_path)
    assert (tmp_path / "work" / "cleaned").is_file()


def test_commands_share_one_shell_and_keep_their_own_status(tmp_path: Path) -> None:
    page = a_page(
        "<!-- run: word=three -->\n```console\n$ echo one $word\n$ (exit 3)\n$ cat <<END\n> two\n> END\n```\n"
    )
    assert [(ran.printed.strip(), ran.exit_code) for ran in run_page(page, tmp_path)] == [
        ("", 0),
        ("one three", 0),
        ("", 3),
        ("two", 0),
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("    edgewright check\n", ["edgewright check"]),
        ("```sh\nedgewright check\n```\n", ["edgewright check"]),
        ("$ edgewright check\n", ["$ edgewright check"]),
        ("```console\n$ edgewright check\n```\n", []),
        ("<!-- run:\n    edgewright check\n-->\n", []),
        ("edgewright compiles blueprints\n", []),
    ],
)
def test_a_command_that_no_session_runs_is_found(text: str, found: list[str]) -> None:
    assert a_page(text).commands_outside_sessions == found


@pytest.mark.parametrize(
    ("shown", "printed", "agrees"),
    [
        ("done (1.5 s)", "done (23 s)", True),
        ("seen 2026-11-23T21:33:53Z", "seen 2027-01-01T00:00:00Z", True),
        ("a  b", "a      b   ", True),
        ("main (5e0e07575f18)", "main (020a02306baf)", True),
        ("first\n…", "first\nsecond\nthird", True),
        ("1 device", "2 devices", False),
        ("error: one", "error: one\nerror: two", False),
    ],
)
def test_what_a_page_claims_is_compared_but_for_what_differs_on_every_run(
    shown: str, printed: str, agrees: bool
) -> None:
    assert is_as_shown(shown, printed) is agrees
