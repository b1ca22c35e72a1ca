"""Tables on stdout: aligned columns, no lines, plain in a pipe. rich is imported only when a table is drawn."""

from __future__ import annotations

from collections.abc import Sequence

from edgewright.cli.output.terminal import plain

_PIPE_WIDTH = 160


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, title: str | None = None) -> None:
    """Print rows under their columns; columns that hold numbers only are aligned to the right. Cells are not markup."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(soft_wrap=False, width=None if Console().is_terminal else _PIPE_WIDTH, highlight=False)
    heading = None if title is None else Text(plain(title))
    table = Table(title=heading, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for index, name in enumerate(columns):
        numeric = bool(rows) and all(_is_number(row[index]) for row in rows)
        table.add_column(Text(name), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(plain(cell)) for cell in row))
    console.print(table)


def _is_number(text: str) -> bool:
    return text in {"", "-"} or text.lstrip("-+").replace(".", "", 1)[:1].isdigit()
