"""The documentation says what the code does: generated pages are current, and links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest
from tools.generate_docs import PAGES

from edgewright.cli.environment import VARIABLES
from edgewright.cli.exit_codes import MEANINGS
from edgewright.cli.main import COMMANDS
from edgewright.kernel.diagnostics import ExitCode

_ROOT = Path(__file__).parents[3]
CLI_PAGE = _ROOT / "docs" / "reference" / "cli.md"
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


@pytest.mark.parametrize("name", PAGES)
def test_reference_page_is_what_the_code_says_of_itself(name: str) -> None:
    page = (_ROOT / "docs" / name).read_text(encoding="utf-8")
    assert page == PAGES[name](), "run .venv/bin/python tools/generate_docs.py"


def test_every_variable_that_the_code_reads_is_documented() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (_ROOT / "compiler").rglob("*.py")]
    assert {name for text in sources for name in re.findall(r"\"(EDGEWRIGHT_[A-Z_]+)\"", text)} == {
        name for name in VARIABLES if name.startswith("EDGEWRIGHT_")
    }


def test_every_exit_code_is_documented() -> None:
    assert set(MEANINGS) == set(ExitCode)


def test_the_page_does_not_depend_on_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("EDGEWRIGHT_OUTPUT", "json")
    assert CLI_PAGE.read_text(encoding="utf-8") == PAGES["reference/cli.md"]()


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


def test_the_pages_build_without_a_warning(tmp_path: Path) -> None:
    options = ["-q", "-W", "--keep-going", "-b", "html"]
    command = [sys.executable, "-m", "sphinx", *options, str(_ROOT / "docs"), str(tmp_path)]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert finished.returncode == 0, finished.stderr
    assert (tmp_path / "README.html").is_file()


def test_the_map_has_every_package() -> None:
    page = (_ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").split("\n```")[1]
    packages = {path.parent.name for path in (_ROOT / "compiler" / "edgewright").glob("*/__init__.py")}
    assert {name for name in packages if f"  {name}/" not in page} == set()
