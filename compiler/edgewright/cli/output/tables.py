"""Tables on stdout: aligned columns, no lines, plain in a pipe.

rich draws what needs it: a terminal, wide characters, cells that have to be folded anywhere but in a long last column.
The rest is the same text without waiting for rich to be imported, which takes longer than most plans.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence

import click

from edgewright.cli.output.terminal import plain

_PIPE_WIDTH = 160
_GAP = "  "


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, title: str | None = None) -> None:
    """Print rows under their columns; columns that hold numbers only are aligned to the right. Cells are not markup."""
    cells = [[plain(cell) for cell in row] for row in rows]
    heading = None if title is None else plain(title)
    numeric = [bool(cells) and all(_is_number(row[index]) for row in cells) for index in range(len(columns))]
    text = None if _may_be_terminal() else _drawn(columns, cells, numeric, heading)
    if text is not None:
        click.echo(text)
    else:
        _print_richly(columns, cells, numeric, heading)


def _may_be_terminal() -> bool:
    return sys.stdout.isatty() or any(name in os.environ for name in ("FORCE_COLOR", "TTY_COMPATIBLE"))


def _drawn(
    columns: Sequence[str], cells: Sequence[Sequence[str]], numeric: Sequence[bool], title: str | None
) -> str | None:
    """The table as text; None where widths are not plain to see."""
    table = [list(columns), *cells]
    if not all(cell.isascii() and cell.isprintable() for row in table for cell in row):
        return None
    widths = [max(len(row[index]) for row in table) for index in range(len(columns))]
    folds = _fold_last(table, widths, numeric)
    width = sum(widths) + len(_GAP) * (len(widths) - 1)
    if folds is None or (title is not None and (len(title) > width or not title.isascii())):
        return None
    lines = [] if title is None else [title.ljust(width)]
    for row, fold in zip(table, folds, strict=True):
        for number, last in enumerate(fold):
            cells_of_line = [*(row[:-1] if number == 0 else [""] * (len(row) - 1)), last]
            sized = zip(cells_of_line, widths, numeric, strict=True)
            lines.append(_GAP.join(cell.rjust(size) if right else cell.ljust(size) for cell, size, right in sized))
    return "\n".join(lines)


def _fold_last(table: Sequence[Sequence[str]], widths: list[int], numeric: Sequence[bool]) -> list[list[str]] | None:
    """The lines of each last cell, whose width is made to fit; None where another column would have to shrink, too."""
    excess = sum(widths) + len(_GAP) * (len(widths) - 1) - _PIPE_WIDTH
    if excess <= 0:
        return [[row[-1]] for row in table]
    widths[-1] -= excess
    if numeric[-1] or widths[-1] < max(widths[:-1], default=_PIPE_WIDTH) + 2 * len(_GAP):
        return None
    folds = []
    for row in table:
        lines = [""]
        for word in re.findall(r" *[^ ]+ *", row[-1]):
            if len(lines[-1]) + len(word.rstrip()) <= widths[-1]:
                lines[-1] += word
            else:
                lines.append(word)
        folds.append([line.rstrip() for line in lines])
    is_narrow = all(len(line) <= widths[-1] for fold in folds for line in fold)
    return folds if is_narrow else None


def _print_richly(
    columns: Sequence[str], cells: Sequence[Sequence[str]], numeric: Sequence[bool], title: str | None
) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(soft_wrap=False, width=None if Console().is_terminal else _PIPE_WIDTH, highlight=False)
    heading = None if title is None else Text(title)
    table = Table(title=heading, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for name, right in zip(columns, numeric, strict=True):
        table.add_column(Text(name), justify="right" if right else "left", overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))
    console.print(table)


def _is_number(text: str) -> bool:
    return text in {"", "-"} or text.lstrip("-+").replace(".", "", 1)[:1].isdigit()
