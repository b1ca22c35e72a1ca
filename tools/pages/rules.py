"""`docs/reference/rules.md`, from the pages that `edgewright explain` prints."""

from __future__ import annotations

import re

from edgewright.check.pages import pages

PATH = "reference/rules.md"
_HEAD = """# Rules and diagnostics

Every message of edgewright has a slug; `edgewright explain SLUG` prints its section of this page.

"""


def page() -> str:
    """An index of slugs, then every page, in the order of their headings."""
    found = pages()
    index = ", ".join(f"[`{slug}`](#{_anchor(found[slug].read_text(encoding='utf-8'))})" for slug in sorted(found))
    texts = sorted({path.read_text(encoding="utf-8").strip() for path in found.values()})
    return _HEAD + index + "\n\n" + "\n\n".join(_demoted(text) for text in texts) + "\n"


def _anchor(text: str) -> str:
    title = text.split("\n", 1)[0].removeprefix("# ")
    return re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-")


def _demoted(text: str) -> str:
    """The same page one level down; the lines of code blocks stay."""
    lines, is_code = [], False
    for line in text.splitlines():
        is_code ^= line.startswith("```")
        lines.append(f"#{line}" if line.startswith("#") and not is_code else line)
    return "\n".join(lines)
