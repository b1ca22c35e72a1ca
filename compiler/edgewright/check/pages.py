"""The pages of diagnostics: which page explains a slug. A page's heading lists the slugs that it explains."""

from __future__ import annotations

from pathlib import Path

from edgewright.kernel.diagnostics import ExitCode, did_you_mean, fail

_FOLDERS = (Path(__file__).parent / "rules", Path(__file__).parent / "pages")
"""Pages of rules lie beside them; those of what the loader and the boundary say, in a folder of their own."""


def pages() -> dict[str, Path]:
    """Slug to page, read from the pages' headings."""
    found: dict[str, Path] = {}
    for folder in _FOLDERS:
        for path in sorted(folder.glob("*.md")):
            heading = path.read_text(encoding="utf-8").split("\n", 1)[0].removeprefix("# ")
            found |= {slug.strip(): path for slug in heading.split(",")}
    return found


def page(slug: str) -> str:
    """The text of the page that explains a slug."""
    known = pages()
    if slug not in known:
        raise fail(
            "unknown-slug", f"no page explains {slug!r}", exit_code=ExitCode.USAGE, hint=did_you_mean(slug, known)
        )
    return known[slug].read_text(encoding="utf-8")
