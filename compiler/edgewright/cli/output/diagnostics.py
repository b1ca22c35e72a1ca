"""Diagnostics for people: the message, the line it points to with what is meant underlined, notes, hint and fix."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from edgewright.cli.output.sources import Sources
from edgewright.cli.output.terminal import color_of, end_live_line, plain
from edgewright.kernel.diagnostics import Allowed, Diagnostic, Related, Severity, Span

_COLORS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
_LONGEST_EXCERPT = 160


def print_diagnostics(
    diagnostics: Sequence[Diagnostic], *, roots: Sequence[Path] = (Path(),), allowed: Sequence[Allowed] = ()
) -> None:
    """Print to stderr, in order of place. `roots` are the folders that spans may be relative to."""
    end_live_line()
    text = render_text(diagnostics, Sources(roots), allowed=allowed)
    if text:
        click.echo(text, err=True, nl=False, color=color_of("stderr"))


def render_text(diagnostics: Sequence[Diagnostic], sources: Sources, *, allowed: Sequence[Allowed] = ()) -> str:
    """Diagnostics in order of place, and their number when it cannot be seen at a glance."""
    ordered = sorted(diagnostics, key=lambda d: d.sort_key)
    parts = [_render(diagnostic, sources) for diagnostic in ordered]
    if len(ordered) > 1 or allowed:
        parts.append(_summary(ordered, len(allowed)))
    return "".join(f"{part}\n" for part in parts)


def _summary(diagnostics: Sequence[Diagnostic], allowed: int) -> str:
    counts = {severity: sum(d.severity is severity for d in diagnostics) for severity in Severity}
    parts = [f"{count} {severity}{'s' if count > 1 else ''}" for severity, count in counts.items() if count]
    files = len({d.span.path for d in diagnostics if d.span})
    where = f" in {files} files" if files > 1 else ""
    text = ", ".join(parts) + where
    if allowed:
        text += f"{', ' if text else ''}{allowed} allowed"
    return text


def _render(diagnostic: Diagnostic, sources: Sources) -> str:
    """One diagnostic as text: headline, place, the line with what is meant underlined, notes and hint."""
    color = _COLORS[diagnostic.severity]
    headline = click.style(f"{diagnostic.severity}: {diagnostic.slug}", fg=color, bold=True)
    lines = [f"{headline}  {plain(diagnostic.message)}"]
    gutter = " "
    if diagnostic.span is not None:
        gutter = " " * len(str(diagnostic.span.line))
        lines += _place(diagnostic.span, sources, gutter=gutter, color=color)
    elif diagnostic.subject is not None and diagnostic.subject not in diagnostic.message:
        lines.append(f"{gutter}--> {plain(diagnostic.subject)}")
    lines += [f"{gutter} = note: {plain(note)}" for note in diagnostic.notes]
    for related in diagnostic.related:
        lines += _related(related, sources, gutter)
    if diagnostic.hint:
        lines.append(f"{gutter} = hint: {plain(diagnostic.hint)}")
    if diagnostic.fix:
        lines.append(f"{gutter} = fix: `edgewright check --fix` will {plain(diagnostic.fix.description)}")
    return "\n".join(lines)


def _related(related: Related, sources: Sources, gutter: str) -> list[str]:
    """A note and, indented below it, the place it is about."""
    inner = gutter + "     " + " " * len(str(related.span.line))
    place = _place(related.span, sources, gutter=inner, color="blue")
    return [f"{gutter} = note: {plain(related.message)}", *place]


def _place(span: Span, sources: Sources, *, gutter: str, color: str) -> list[str]:
    """Where something is: the path with line and column, then the line itself where it can be shown."""
    lines = [f"{gutter}--> {plain(sources.shown_path(span.path))}:{span.line}:{span.column}"]
    excerpt = _excerpt(span, sources)
    if excerpt is not None:
        source, marks = excerpt
        number = str(span.line).rjust(len(gutter))
        lines += [f"{gutter} |", f"{number} | {source}", f"{gutter} | {click.style(marks, fg=color)}"]
    return lines


def _excerpt(span: Span, sources: Sources) -> tuple[str, str] | None:
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
