"""Prints diagnostics: as text with the line they point at on stderr, or as JSON on stdout."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import click

from edgewright.kernel.diagnostics import Diagnostic, Severity, Span

_COLORS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
_EXCERPT_LIMIT_BYTES = 2 << 20
_LONGEST_LINE = 160


def print_diagnostics(
    diagnostics: Sequence[Diagnostic], *, as_json: bool = False, roots: Iterable[Path] = (Path(),)
) -> None:
    """Print in order of place. `roots` are folders that spans may be relative to, for the excerpts."""
    ordered = sorted(diagnostics, key=lambda d: d.sort_key)
    if as_json:
        click.echo(json.dumps({"diagnostics": [asdict(d) for d in ordered]}, indent=2))
        return
    for diagnostic in ordered:
        click.echo(render_diagnostic(diagnostic, roots), err=True)


def render_diagnostic(diagnostic: Diagnostic, roots: Iterable[Path] = ()) -> str:
    """One diagnostic as text: headline, place, the line with what is meant underlined, notes and hint."""
    color = _COLORS[diagnostic.severity]
    headline = click.style(f"{diagnostic.severity}: {diagnostic.slug}", fg=color, bold=True)
    lines = [f"{headline}  {_plain(diagnostic.message)}"]
    gutter = " "
    if diagnostic.span is not None:
        number = str(diagnostic.span.line)
        gutter = " " * len(number)
        lines.append(f"{gutter} --> {diagnostic.span}")
        source = _source_line(diagnostic.span, roots)
        if source is not None:
            marks = _marks(diagnostic.span, source)
            lines += [f"{gutter}  |", f"{number} | {source}", f"{gutter}  | {click.style(marks, fg=color)}"]
    elif diagnostic.subject is not None and diagnostic.subject not in diagnostic.message:
        lines.append(f"{gutter} --> {_plain(diagnostic.subject)}")
    lines += [f"{gutter}  = note: {_plain(note)}" for note in diagnostic.notes]
    if diagnostic.hint:
        lines.append(f"{gutter}  = hint: {_plain(diagnostic.hint)}")
    return "\n".join(lines)


def _plain(text: str) -> str:
    """Nothing that a file or a device said may move the cursor or change colours."""
    return "".join(c if c.isprintable() or c == "\n" else "�" for c in text)


def _source_line(span: Span, roots: Iterable[Path]) -> str | None:
    for root in roots:
        path = root / span.path
        try:
            if not path.is_file() or path.stat().st_size > _EXCERPT_LIMIT_BYTES:
                continue
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        if span.line <= len(lines) and len(lines[span.line - 1]) <= _LONGEST_LINE:
            return _plain(lines[span.line - 1])
    return None


def _marks(span: Span, source: str) -> str:
    start = span.column - 1
    end = span.end_column - 1 if span.end_line == span.line else len(source)
    return " " * start + "^" * max(1, min(end, len(source)) - start)
