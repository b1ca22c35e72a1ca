"""Every slug that can be printed has a page, every rule its page and its case, every page its five sections.

Slugs are read from the syntax trees of the whole compiler: the first text that is handed to what makes a diagnostic.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgewright.check import rules
from edgewright.check.pages import CATEGORIES, Page, catalogue, problems_of, read_page
from edgewright.check.rules import RULES, WHOLE_RULES

_COMPILER = Path(__file__).parents[3] / "compiler" / "edgewright"
_RULES = Path(rules.__file__).parent
_MAKERS = {
    "fail": 0,
    "Diagnostic": 0,
    "error": 0,
    "warning": 0,
    "error_at": 1,
    "warning_at": 1,
    "Refusal": 0,
    "RefusedError": 0,
    "_RefusedError": 0,
    "_refuse_event": 0,
    "_refuse_later": 0,
    "Unhealthy": 0,
    "Missing": 0,
    "WorkerError": 0,
    "unknown": 1,
    "over": 1,
    "scope": 1,
}
"""What makes a diagnostic, and which of its arguments is the slug."""
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _texts(node: ast.expr) -> Iterator[str]:
    """Slugs of an argument: a literal, or the two of a choice."""
    if isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _SLUG.fullmatch(node.value):
        yield node.value


def slugs_of(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            position = _MAKERS.get(name)
            if position is not None and len(node.args) > position:
                found.update(_texts(node.args[position]))
        elif isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple) and len(node.value.elts) == 3:
            # wording.py hands on (slug, message, hint)
            found.update(text for text in _texts(node.value.elts[0]) if "-" in text)
    return found


def _modules() -> list[Path]:
    return sorted(path for path in _COMPILER.rglob("*.py") if "__pycache__" not in path.parts)


@pytest.mark.parametrize("package", sorted({path.relative_to(_COMPILER).parts[0] for path in _modules()}))
def test_every_slug_of_the_compiler_has_a_page(package: str) -> None:
    modules = [path for path in _modules() if path.relative_to(_COMPILER).parts[0] == package]
    slugs = {slug: path.relative_to(_COMPILER).as_posix() for path in modules for slug in slugs_of(_tree(path))}
    assert {slug: where for slug, where in slugs.items() if slug not in catalogue()} == {}


def test_slugs_are_found_at_all() -> None:
    found = set[str]().union(*(slugs_of(_tree(path)) for path in _modules()))
    assert {"yaml-alias", "wrong-length", "decode-rate", "lock-stale", "service-unhealthy", "weights-pickle"} <= found
    assert len(found) > 200


def _rule_modules() -> list[Path]:
    return sorted(path for path in _RULES.glob("*.py") if path.stem != "__init__")


def test_there_are_at_least_forty_rules_and_every_one_runs() -> None:
    listed = [rule.__module__.rpartition(".")[2] for rule in (*RULES, *WHOLE_RULES)]
    assert sorted(listed) == [path.stem for path in _rule_modules()]
    assert len(listed) >= 40


@pytest.mark.parametrize("module", _rule_modules(), ids=lambda path: path.stem)
def test_a_rule_has_one_slug_and_one_page(module: Path) -> None:
    slug = module.stem.replace("_", "-")
    page = read_page(module.with_suffix(".md"))
    assert page.slugs == (slug,)
    assert slugs_of(_tree(module)) <= {slug}


def test_no_page_of_a_rule_is_left_without_its_rule() -> None:
    assert [path.stem for path in sorted(_RULES.glob("*.md"))] == [path.stem for path in _rule_modules()]


_PAGES = {page.path.stem: page for page in catalogue().values()}


@pytest.mark.parametrize("page", _PAGES.values(), ids=_PAGES)
def test_a_page_is_whole(page: Page) -> None:
    assert problems_of(page) == []
    assert all(page.sections.values())
    assert page.summary.endswith(".")


def test_a_slug_has_one_page() -> None:
    pages = {page.path: page for page in catalogue().values()}.values()
    slugs = [slug for page in pages for slug in page.slugs]
    assert len(slugs) == len(set(slugs))


def test_rules_cover_every_category_of_check() -> None:
    found = {read_page(path.with_suffix(".md")).category for path in _rule_modules()}
    assert set(CATEGORIES[1:10]) <= found
    assert {page.category for page in catalogue().values()} >= set(CATEGORIES[:10])
