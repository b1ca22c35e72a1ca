"""The report as workflow commands of GitHub Actions, which shows them beside the changed lines of a pull request.

Text goes into a command by escapes of its own: percent, carriage return and line feed in a message, and colon and comma
too in a property (actions/toolkit, `command.ts`). What else cannot be printed is replaced, as on a terminal.
"""

from __future__ import annotations

from edgewright.cli.output.findings import Findings, full_message
from edgewright.cli.output.sources import SHIPPED, Sources
from edgewright.cli.output.terminal import plain
from edgewright.kernel.diagnostics import Diagnostic, Severity

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def render(findings: Findings) -> str:
    """A command a line; what is allowed is not shown."""
    sources = findings.sources
    ordered = sorted(findings.diagnostics, key=lambda d: d.sort_key)
    return "".join(_command(diagnostic, sources) for diagnostic in ordered)


def _command(diagnostic: Diagnostic, sources: Sources) -> str:
    properties = _place(diagnostic, sources) | {"title": f"edgewright {diagnostic.slug}"}
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{_COMMANDS[diagnostic.severity]} {listed}::{_message(_text(diagnostic, sources))}\n"


def _place(diagnostic: Diagnostic, sources: Sources) -> dict[str, str]:
    span = diagnostic.span
    if span is None or span.path.startswith(SHIPPED):
        return {}
    place = {"file": sources.path_from_here(span.path), "line": str(span.line), "endLine": str(span.end_line)}
    if span.end_line == span.line:  # columns of a range over several lines are not understood
        place |= {"col": str(span.column), "endColumn": str(span.end_column)}
    return place


def _text(diagnostic: Diagnostic, sources: Sources) -> str:
    text = full_message(diagnostic, sources)
    span = diagnostic.span
    if span is not None and span.path.startswith(SHIPPED):
        return f"{text}\nat {span}"
    subject = diagnostic.subject
    return f"{text}\nat {subject}" if span is None and subject and subject not in diagnostic.message else text


def _message(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "%0A".join(plain(line).replace("%", "%25") for line in lines)


def _property(text: str) -> str:
    return plain(text).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
