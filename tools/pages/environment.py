"""`docs/reference/environment.md`, from the table in `cli/environment.py`."""

from __future__ import annotations

from tools.pages.tables import table

from edgewright.cli.environment import VARIABLES

PATH = "reference/environment.md"


def page() -> str:
    """One row a variable."""
    rows = [(f"`{name}`", meaning) for name, meaning in VARIABLES.items()]
    return "# Environment variables\n\n" + table(["variable", "what it sets"], rows)
