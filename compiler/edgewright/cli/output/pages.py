"""Pages of the documentation on a terminal: headings, names and examples are told apart; in a pipe as written."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping

import click

from edgewright.check.pages import Page
from edgewright.cli.output.terminal import color_of, plain

_MARKS = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*")
_ENTRY = re.compile(r"^- ((?:`[a-z0-9-]+`(?:, | and )?)+)[^:\n]*: (.*?)(?=\n- |\n\n|\Z)", re.MULTILINE | re.DOTALL)
_NARROWEST = 40


def summary_of(slug: str, page: Page) -> str:
    """What a page says of a slug: its own entry in the list of a page of several, else the page's first sentence."""
    checks = page.sections["What it checks"]
    own = next((found[2] for found in _ENTRY.finditer(checks) if f"`{slug}`" in found[1]), None)
    if own is None:
        return page.summary
    words = " ".join(own.split()).split(". ", 1)[0].rstrip(".")
    return words[:1].upper() + words[1:] + "."


def print_page(text: str) -> None:
    """Print a page on stdout."""
    if not color_of("stdout"):
        click.echo(text, nl=False)
        return
    for line in text.splitlines():
        click.echo(_drawn(plain(line)), color=True)


def print_summaries(summaries: Mapping[str, str]) -> None:
    """Print a line for each name, aligned; on a terminal no longer than it is wide."""
    width = max(map(len, summaries), default=0)
    is_terminal = color_of("stdout")
    room = max(_NARROWEST, shutil.get_terminal_size().columns - width - 2) if is_terminal else None
    for name, summary in summaries.items():
        shown = summary if room is None or len(summary) <= room else summary[: room - 1] + "…"
        click.echo(f"{click.style(name, bold=True)}{' ' * (width - len(name))}  {plain(shown)}", color=is_terminal)


def _drawn(line: str) -> str:
    if line.startswith("#"):
        return click.style(line.lstrip("# "), bold=True, underline=line.startswith("# "))
    if line.startswith("    "):
        return click.style(line, dim=True)
    return _MARKS.sub(lambda found: click.style(found[1] or found[2], fg="cyan" if found[1] else None, bold=True), line)
