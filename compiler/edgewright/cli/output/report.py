"""Reports: which forms there are, printing one, writing one to a file. A form's module is imported when needed."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path

import click

from edgewright.cli.output.diagnostics import print_diagnostics
from edgewright.cli.output.findings import Findings
from edgewright.kernel.diagnostics import ExitCode, fail

FORMS = {
    "text": "text",
    "json": "json_document",
    "jsonl": "json_lines",
    "sarif": "sarif",
    "github": "github",
    "gitlab": "gitlab",
    "junit": "junit",
}
"""Form to its module in `forms`. Reading this table imports none of them."""


def render(form: str, findings: Findings) -> str:
    """The whole report in a form, ending with a line feed unless it is empty."""
    module = importlib.import_module(f"edgewright.cli.output.forms.{FORMS[form]}")
    text: str = module.render(findings)
    return text


def print_report(form: str, findings: Findings) -> None:
    """Print a report: text on stderr as people read it, other forms on stdout."""
    if form == "text":
        print_diagnostics(findings.diagnostics, roots=[findings.root], allowed=findings.allowed)
    else:
        click.echo(render(form, findings), nl=False)


def write_reports(reports: Sequence[tuple[str, Path]], findings: Findings) -> None:
    """Write each report to its file, whole or not at all."""
    for form, path in reports:
        write_file(path, render(form, findings), "the report ")


def write_file(path: Path, text: str, what: str = "") -> None:
    """Write what a person asked for into the file that they named; `what` it is goes before its path in an error."""
    from edgewright.kernel.files import write_output

    try:
        write_output(path, text.encode("utf-8", "replace"))
    except OSError as error:
        message = f"{what}{path} cannot be written: {(error.strerror or str(error)).lower()}"
        hint = "name a file in a folder that can be written"
        raise fail("file-system", message, exit_code=ExitCode.MISSING, subject=str(path), hint=hint) from error
