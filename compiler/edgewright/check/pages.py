"""The pages of diagnostics: which page explains a slug, and what its second line says of it.

Owns the form of a page. A heading lists the slugs that the page explains; the line below it has category, severity and
whether a comment in the document may allow the diagnostic; five sections follow, always the same. Reference pages and
SARIF are made from what is read here. Must not know a rule. A page that lacks a part is read all the same, so that it
still explains; `problems_of` says what it lacks, and a test lets none ship.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgewright.kernel.diagnostics import ExitCode, did_you_mean, fail

CATEGORIES = (
    "schema",
    "names",
    "models",
    "targets",
    "budgets",
    "compression",
    "gates",
    "fleet",
    "roll-out",
    "security",
    "policy",
    "lock",
    "build",
    "release",
    "device",
    "tool",
)
"""What a diagnostic is about; the first ten are those of `check`'s own rules."""
SECTIONS = ("What it checks", "Why", "Example", "Use instead", "When to ignore")
_FOLDERS = (Path(__file__).parent / "rules", Path(__file__).parent / "pages")
"""Pages of rules lie beside them; those of what the loader and the other stages say, in a folder of their own."""
_SEVERITY = "(error|warning|note|error or warning)"
_FRONT = re.compile(rf"Category: ([a-z-]{{1,40}}) · Severity: {_SEVERITY} · Can be allowed in place: (yes|no)")


@dataclass(frozen=True, slots=True)
class Page:
    """One page: the slugs it explains, what its second line says, and its text."""

    slugs: tuple[str, ...]
    path: Path
    category: str
    severity: str
    can_be_allowed: bool
    text: str

    @property
    def sections(self) -> Mapping[str, str]:
        """The text below each heading, in the order of the page."""
        parts = re.split(r"^## (.+)$", self.text, flags=re.MULTILINE)
        return {title: body.strip("\n") for title, body in zip(parts[1::2], parts[2::2], strict=True)}

    @property
    def summary(self) -> str:
        """What is checked, in one sentence: for lists of rules."""
        words = " ".join(self.sections.get("What it checks", "").split())
        return words.split(". ", 1)[0].rstrip(".") + "."


def read_page(path: Path) -> Page:
    """Read one page. Without a second line it is of the category `tool`, and nothing may allow what it explains."""
    text = path.read_text(encoding="utf-8")
    heading, _, rest = text.partition("\n")
    front = _FRONT.fullmatch(rest.strip("\n").split("\n", 1)[0])
    category, severity, allowed = front.groups() if front is not None else ("tool", "error", "no")
    slugs = tuple(slug.strip() for slug in heading.removeprefix("# ").split(","))
    return Page(slugs, path, category, severity, allowed == "yes", text)


def problems_of(page: Page) -> list[str]:
    """What a page lacks; nothing, when it is whole."""
    found = []
    if not page.text.startswith("# ") or _FRONT.search(page.text) is None:
        found.append("slugs, category, severity and whether it can be allowed are not in its first lines")
    if page.category not in CATEGORIES:
        found.append(f"the category is {page.category!r}, known are {', '.join(CATEGORIES)}")
    if tuple(page.sections) != SECTIONS:
        found.append(f"the sections are {', '.join(page.sections) or 'none'}, needed are {', '.join(SECTIONS)}")
    return found


def catalogue() -> dict[str, Page]:
    """Every slug that has a page, with it; sorted by slug."""
    found = [read_page(path) for folder in _FOLDERS for path in sorted(folder.glob("*.md"))]
    return dict(sorted((slug, page) for page in found for slug in page.slugs))


def pages() -> dict[str, Path]:
    """Slug to the file of its page."""
    return {slug: page.path for slug, page in catalogue().items()}


def page(slug: str) -> str:
    """The text of the page that explains a slug."""
    known = catalogue()
    if slug not in known:
        raise fail(
            "unknown-slug", f"no page explains {slug!r}", exit_code=ExitCode.USAGE, hint=did_you_mean(slug, known)
        )
    return known[slug].text
