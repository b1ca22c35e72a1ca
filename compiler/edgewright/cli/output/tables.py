"""Tables on stdout: aligned columns, no lines, plain in a pipe."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

_PIPE_WIDTH = 160


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, title: str | None = None) -> None:
    """Print rows under their columns; columns that hold numbers only are aligned to the right."""
    console = Console(soft_wrap=False, width=None if Console().is_terminal else _PIPE_WIDTH, highlight=False)
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for index, name in enumerate(columns):
        numeric = bool(rows) and all(_is_number(row[index]) for row in rows)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _is_number(text: str) -> bool:
    return text in {"", "-"} or text.lstrip("-+").replace(".", "", 1)[:1].isdigit()
