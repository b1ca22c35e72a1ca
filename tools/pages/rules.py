"""`docs/reference/rules.md` and a page for each category below it, from the pages that `edgewright explain` prints.

Invariant: every slug stands once in the index, and leads to the text that explains it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from tools.pages.tables import table

from edgewright.check.pages import CATEGORIES, Page, catalogue

PATH = "reference/rules.md"
_ABOUT = {
    "schema": "The form of documents: YAML, keys, values, versions.",
    "names": "Names that lead somewhere, once.",
    "models": "Sources of models and their files.",
    "targets": "Device classes and what they can run.",
    "budgets": "Memory, disk, speed and power, by estimate.",
    "compression": "Recipes and what they are calibrated on.",
    "gates": "What is asked of artifacts, and what is not.",
    "fleet": "Devices and inventories.",
    "roll-out": "Waves, budgets, times, and what the controller says.",
    "security": "Secrets, signatures, addresses, and names that try to be commands.",
    "policy": "Rules of an organisation, and waivers of them.",
    "lock": "Names and their digests.",
    "build": "Steps that make artifacts.",
    "release": "What is packaged and signed.",
    "device": "What devices answer.",
    "tool": "The machine, the command line, and edgewright itself.",
}
_HEAD = """# Rules and diagnostics

Every message of edgewright has a slug, and every slug a page: `edgewright explain SLUG` prints it, and it is here.
*In place* says whether a comment in the document may allow it, with a reason ([checking](../checking.md#exceptions)).

"""


def page() -> str:
    """The index: one table a category."""
    sections = []
    for category in _used():
        pages = {found.path: found for found in catalogue().values() if found.category == category}
        rows = [
            (_slugs(found), found.severity, "yes" if found.can_be_allowed else "no", found.summary)
            for found in sorted(pages.values(), key=lambda found: found.slugs)
        ]
        heading = f"## {_title(category)}\n\n{_ABOUT[category]}\n\n"
        sections.append(heading + table(["slug", "severity", "in place", "what it checks"], rows))
    toctree = "\n```{toctree}\n:hidden:\n\n" + "\n".join(f"rules/{category}" for category in _used()) + "\n```\n"
    return _HEAD + "\n".join(sections) + toctree


def category_page(category: str) -> str:
    """The pages of one category, one after the other."""
    found = {page.path: page for page in catalogue().values() if page.category == category}
    texts = [_section(page) for page in sorted(found.values(), key=_heading)]
    return f"# {_title(category)}\n\n{_ABOUT[category]} [All rules](../rules.md).\n\n" + "\n".join(texts)


def category_pages() -> Mapping[str, Callable[[], str]]:
    """Where each category's page lies, and what makes it."""
    return {f"reference/rules/{category}.md": partial(category_page, category) for category in _used()}


def _used() -> list[str]:
    used = {page.category for page in catalogue().values()}
    return [category for category in CATEGORIES if category in used]


def _section(page: Page) -> str:
    slugs = "" if len(page.slugs) == 1 else ", ".join(f"`{slug}`" for slug in page.slugs) + "\n\n"
    front = f"*{page.severity}, {'can be allowed in place' if page.can_be_allowed else 'cannot be allowed in place'}*"
    parts = [f"**{title}.**{_joined(body)}" for title, body in page.sections.items()]
    return f"## {_heading(page)}\n\n{slugs}{front}\n\n" + "\n\n".join(parts) + "\n"


def _joined(body: str) -> str:
    """Text goes on in the line of its title; a block or a table starts below it."""
    return f"\n\n{body}" if body.startswith((" ", "`" * 3, "|", "- ")) else f" {body}"


def _heading(page: Page) -> str:
    return page.slugs[0] if len(page.slugs) == 1 else _title(page.path.stem)


def _anchor(page: Page) -> str:
    return _heading(page).lower().replace(" ", "-")


def _title(name: str) -> str:
    return "Roll-out" if name in ("roll-out", "rollout") else name.replace("-", " ").replace("_", " ").capitalize()


def _slugs(page: Page) -> str:
    where = f"rules/{page.category}.md#{_anchor(page)}"
    return ", ".join(f"[`{slug}`]({where})" for slug in page.slugs)
