"""The documentation says what the code does: generated pages are current, and links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from tools.generate_docs import CLI_PAGE, cli_page

from edgewright.cli.main import COMMANDS

_ROOT = Path(__file__).parents[3]
_PAGES = sorted(
    page.relative_to(_ROOT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "blueprints/examples/*/*.md")
    for page in _ROOT.glob(pattern)
)
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def prose(page: Path) -> str:
    """The text of a page without its code blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """The anchors that a forge gives to a page's headings: lower case, punctuation removed, spaces as dashes."""
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in _HEADING.findall(prose(page))}


def test_the_command_line_page_is_what_the_commands_say_of_themselves() -> None:
    assert CLI_PAGE.read_text(encoding="utf-8") == cli_page(), "run .venv/bin/python tools/generate_docs.py"


def test_the_page_does_not_depend_on_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("EDGEWRIGHT_OUTPUT", "json")
    assert CLI_PAGE.read_text(encoding="utf-8") == cli_page()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented(command: str) -> None:
    page = CLI_PAGE.read_text(encoding="utf-8")
    assert f"\n## {command}\n" in page
    assert f"Usage: edgewright {command} " in page


@pytest.mark.parametrize("name", _PAGES)
def test_every_relative_link_leads_to_a_file(name: str) -> None:
    page = _ROOT / name
    dead = []
    for link in _LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        is_inside = target.exists() and target.is_relative_to(_ROOT)
        if not is_inside or (anchor and anchor not in anchors(target)):
            dead.append(link)
    assert dead == []


def test_every_page_of_the_documentation_is_reachable_from_its_first_page() -> None:
    docs = _ROOT / "docs"
    waiting, seen = [docs / "README.md"], set()
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        links = [link.partition("#")[0] for link in _LINK.findall(prose(page)) if not re.match(r"[a-z]+:", link)]
        waiting += [(page.parent / link).resolve() for link in links if link]
    assert sorted(page.relative_to(docs).as_posix() for page in docs.glob("**/*.md") if page not in seen) == []
