"""`docs/reference/exit-codes.md`, from the table in `cli/exit_codes.py`."""

from __future__ import annotations

from tools.pages.tables import table

from edgewright.cli.exit_codes import MEANINGS

PATH = "reference/exit-codes.md"
_FOOT = "\nWhen several things are wrong in one run, all are printed and the highest code of them is returned.\n"


def page() -> str:
    """One row a code."""
    rows = [(str(int(code)), meaning, example) for code, (meaning, example) in MEANINGS.items()]
    return "# Exit codes\n\n" + table(["code", "meaning", "examples"], rows) + _FOOT
