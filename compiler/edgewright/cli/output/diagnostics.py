"""Prints diagnostics: as text with the line they point at on stderr, or as JSON on stdout."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from edgewright.cli.output.terminal import color_of, end_live_line, plain
from edgewright.kernel.diagnostics import Diagnostic, Severity, Span

_COLORS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
_EXCERPT_LIMIT_BYTES = 2 << 20
_LONGEST_EXCERPT = 160
_SHIPPED = "edgewright:"


def print_diagnostics(
    diagnostics: Sequence[Diagnostic], *, as_json: bool = False, roots: Sequence[Path] = (Path(),)
) -> None:
    """Print in order of place. `roots` are the folders that spans may be relative to; paths are shown below them."""
    ordered = sorted(diagnostics, key=lambda d: d.sort_key)
    if as_json:
        click.echo(json.dumps({"diagnostics": [_json(d, roots) for d in ordered]}, indent=2, ensure_ascii=False))
        return
    end_live_line()
    sources = _Sources(roots)
    for diagnostic in ordered:
        click.echo(_render(diagnostic, sources), err=True, color=color_of("stderr"))
    if len(ordered) > 1:
        click.echo(_summary(ordered), err=True)


def as_json(diagnostic: Diagnostic, *, roots: Sequence[Path] = (Path(),)) -> dict[str, Any]:
    """A diagnostic as JSON values; paths as they are shown."""
    return _json(diagnostic, roots)


def _json(diagnostic: Diagnostic, roots: Sequence[Path]) -> dict[str, Any]:
    result = asdict(diagnostic)
    if diagnostic.span is not None:
        result["span"]["path"] = _shown_path(diagnostic.span.path, roots)
    return result


def _summary(diagnostics: Sequence[Diagnostic]) -> str:
    counts = {severity: sum(d.severity is severity for d in diagnostics) for severity in Severity}
    parts = [f"{count} {severity}{'s' if count > 1 else ''}" for severity, count in counts.items() if count]
    files = len({d.span.path for d in diagnostics if d.span})
    where = f" in {files} files" if files > 1 else ""
    return ", ".join(parts) + where


def render_diagnostic(diagnostic: Diagnostic, roots: Sequence[Path] = (Path(),)) -> str:
    """One diagnostic as text: headline, place, the line with what is meant underlined, notes and hint."""
    return _render(diagnostic, _Sources(roots))


class _Sources:
    """The lines of the files that diagnostics point into; each file is read once."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self.roots = roots
        self._lines: dict[str, list[str]] = {}

    def line(self, span: Span) -> str | None:
        """The line where a span starts, without its end; None when it cannot be shown."""
        if span.path not in self._lines:
            self._lines[span.path] = self._read(span.path)
        lines = self._lines[span.path]
        return lines[span.line - 1].rstrip("\r").replace("\t", " ") if span.line <= len(lines) else None

    def _read(self, name: str) -> list[str]:
        path = _source_file(name, self.roots)
        try:
            if path is None or path.stat().st_size > _EXCERPT_LIMIT_BYTES:
                return []
            return path.read_text(encoding="utf-8", errors="replace").split("\n")
        except OSError:
            return []


def _render(diagnostic: Diagnostic, sources: _Sources) -> str:
    color = _COLORS[diagnostic.severity]
    headline = click.style(f"{diagnostic.severity}: {diagnostic.slug}", fg=color, bold=True)
    lines = [f"{headline}  {plain(diagnostic.message)}"]
    gutter = " "
    if diagnostic.span is not None:
        span = diagnostic.span
        number = str(span.line)
        gutter = " " * len(number)
        lines.append(f"{gutter}--> {plain(_shown_path(span.path, sources.roots))}:{span.line}:{span.column}")
        excerpt = _excerpt(span, sources)
        if excerpt is not None:
            source, marks = excerpt
            lines += [f"{gutter} |", f"{number} | {source}", f"{gutter} | {click.style(marks, fg=color)}"]
    elif diagnostic.subject is not None and diagnostic.subject not in diagnostic.message:
        lines.append(f"{gutter}--> {plain(diagnostic.subject)}")
    lines += [f"{gutter} = note: {plain(note)}" for note in diagnostic.notes]
    if diagnostic.hint:
        lines.append(f"{gutter} = hint: {plain(diagnostic.hint)}")
    return "\n".join(lines)


def _shown_path(path: str, roots: Sequence[Path]) -> str:
    """A path as the user would write it from here."""
    if path.startswith((_SHIPPED, "/")):
        return path
    root = next((root for root in roots if (root / path).exists()), Path())
    return (root / path).as_posix()


def _source_file(path: str, roots: Sequence[Path]) -> Path | None:
    if path.startswith(_SHIPPED):
        from edgewright.kernel.resources import share_folder

        return share_folder() / path.removeprefix(_SHIPPED)
    return next((root / path for root in roots if (root / path).is_file()), None)


def _excerpt(span: Span, sources: _Sources) -> tuple[str, str] | None:
    """The line of a span and the marks below it; of a long line, the part around the span."""
    source = sources.line(span)
    if source is None:
        return None
    start = span.column - 1
    end = span.end_column - 1 if span.end_line == span.line else len(source)
    end = max(start + 1, min(end, len(source)))
    cut = max(0, start - _LONGEST_EXCERPT // 2) if len(source) > _LONGEST_EXCERPT else 0
    shown = plain(source[cut : cut + _LONGEST_EXCERPT])
    return shown, " " * (start - cut) + "^" * max(1, min(end - cut, len(shown)) - (start - cut))
