"""Writes the pages of the documentation that are made from code: the whole of `docs/reference`.

    .venv/bin/python tools/generate_docs.py

Invariant: the same code gives the same bytes, so that a test can compare them with the committed pages.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from tools.pages import cli, environment, exit_codes, metrics, rules, schemas, targets  # noqa: E402

PAGES: Mapping[str, Callable[[], str]] = {
    module.PATH: module.page for module in (cli, rules, schemas, targets, metrics, exit_codes, environment)
} | dict(rules.category_pages())


def main() -> int:
    """Write every page, and remove what no page is any more."""
    for path in (ROOT / "docs" / "reference").rglob("*.md"):
        if path.relative_to(ROOT / "docs").as_posix() not in PAGES:
            path.unlink()
    for name, page in PAGES.items():
        path = ROOT / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(), encoding="utf-8")
        sys.stdout.write(f"{path.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
