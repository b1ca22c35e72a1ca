"""Every command that the documentation shows does what the page says."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.docs.pages import Page, is_as_shown
from tests.docs.shell import run_page

_ROOT = Path(__file__).parents[2]
_PATHS = sorted(
    path
    for pattern in ("README.md", "docs/**/*.md", "blueprints/examples/*/README.md")
    for path in _ROOT.glob(pattern)
    if "_build" not in path.parts and not path.is_relative_to(_ROOT / "docs" / "reference")
)
PAGES = [Page(path, path.read_text(encoding="utf-8")) for path in _PATHS]


def name_of(page: Page) -> str:
    """The page as a file of the project."""
    return page.path.relative_to(_ROOT).as_posix()


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, id=name_of(page), marks=[pytest.mark.frameworks] if page.is_slow else [])
        for page in PAGES
        if page.has_sessions
    ],
)
def test_commands_do_what_the_page_says(page: Page, tmp_path: Path) -> None:
    ran = run_page(page, tmp_path)
    wrong = []
    for command, result in zip(page.commands, ran, strict=True):
        place = f"{name_of(page)}:{command.line}: $ {command.text}"
        if result.exit_code != command.exit_code:
            wrong.append(f"{place}\nended with {result.exit_code}, not {command.exit_code}:\n{result.printed}")
        elif command.output is not None and not is_as_shown(command.output, result.printed):
            wrong.append(f"{place}\nprinted:\n{result.printed}")
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.parametrize("page", [pytest.param(page, id=name_of(page)) for page in PAGES])
def test_no_command_is_shown_that_is_not_run(page: Page) -> None:
    assert page.commands_outside_sessions == []
