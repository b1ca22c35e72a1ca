"""`edgewright check`: every mistake of every document, with its place; and the estimates that need no build."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from edgewright.check.rule import Subject
from edgewright.check.run import examine, examine_all
from edgewright.check.suppression import Judged
from edgewright.cli.arguments import (
    Invocation,
    blueprint_option,
    environment_option,
    note_output,
    report_option,
    repository_argument,
)
from edgewright.cli.output.findings import Findings
from edgewright.cli.output.report import FORMS, print_report, write_reports
from edgewright.cli.output.tables import print_table
from edgewright.kernel.diagnostics import ExitCode, Severity
from edgewright.kernel.units import format_size
from edgewright.load.documents import Repository, load_environments, load_repository
from edgewright.load.tree import SHIPPED
from edgewright.plugins.registry import Registry

_NAMED = 20
"""Blueprints that are named when all are right."""


def _report_options(function: Callable[..., Any]) -> Callable[..., Any]:
    report = report_option("Also write the report to FILE, in any form of --output (repeatable).")
    output = click.option(
        "--output",
        "-o",
        type=click.Choice(list(FORMS)),
        callback=note_output,
        help="Form of the report.  [default: text]",
    )
    return output(report(function))


@click.command("check")
@repository_argument
@blueprint_option
@environment_option
@_report_options
@click.option("--fix", is_flag=True, help="Mend what has a certain fix, in place, and check what is then written.")
@click.option("--verbose", "-v", is_flag=True, help="Show the estimates of every build, with their formula.")
@click.pass_obj
def command(
    invocation: Invocation,
    repository: Path,
    blueprints: tuple[str, ...],
    environment: str | None,
    output: str,
    fix: bool,
    verbose: bool,
) -> ExitCode:
    """Check the documents of REPOSITORY: every mistake of every file in one run, in all environments or in one."""
    registry = Registry()

    def check() -> tuple[Repository, Judged]:
        if environment is None:
            loaded = load_environments(repository, selectors=blueprints)
            return loaded[0], examine_all(loaded, registry)
        one = load_repository(repository, selectors=blueprints, keep_problems=True, environment=environment)
        return one, examine(one, registry)

    if fix:
        from edgewright.cli.mending import mend_repository

        mend_repository(repository, lambda: check()[1].standing)
    loaded, judged = check()
    is_wrong = any(diagnostic.severity is Severity.ERROR for diagnostic in judged.standing)
    names = sorted(loaded.blueprints)
    details = {"blueprints": names, "estimates": [] if is_wrong else _estimates(loaded, registry)}
    findings = Findings(judged.standing, judged.allowed, documents=_documents(loaded), root=repository, details=details)
    _write_then_print(invocation, findings)
    if is_wrong:
        return ExitCode.DOCUMENTS
    if output == "text":
        if verbose:
            _print_estimates(loaded, registry)
        word = "blueprint is" if len(names) == 1 else "blueprints are"
        rest = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
        click.echo(f"{len(names):,} {word} right: {', '.join(names[:_NAMED])}{rest}")
    return ExitCode.OK


def _write_then_print(invocation: Invocation, findings: Findings) -> None:
    """In this order, so that stdout holds one report, be it the one on a file that could not be written."""
    write_reports(invocation.take_reports(), findings)
    print_report(invocation.output, findings)


def _documents(repository: Repository) -> tuple[str, ...]:
    """The repository's own documents that could be read; what ships with edgewright is not looked at here."""
    return tuple(sorted(path for path in repository.files if not path.startswith(SHIPPED)))


def _estimates(repository: Repository, registry: Registry) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for name, loaded in sorted(repository.blueprints.items()):
        subject = Subject(loaded, repository, registry)
        facts = subject.known_facts
        if facts is None:
            continue
        for estimated in subject.estimated:
            request = estimated.variant.request
            rows += [
                {
                    "blueprint": name,
                    "target": request.target_name,
                    "recipe": request.recipe.name,
                    "what": item.name,
                    "value": item.value,
                    "unit": item.unit,
                    "allowed": item.allowed,
                    "kind": f"estimated from {facts.origin} facts",
                    "formula": item.formula,
                }
                for item in estimated.items
            ]
    return rows


def _print_estimates(repository: Repository, registry: Registry) -> None:
    rows = _estimates(repository, registry)
    if not rows:
        click.echo("no estimates: spec.model.facts is not written, and nothing is imported yet", err=True)
        return

    def shown(row: dict[str, object], key: str) -> str:
        number = row[key]
        if not isinstance(number, int | float):
            return "-"
        return f"{number:.0f} tokens/s" if row["unit"] == "tokens/s" else format_size(number)

    columns = ["blueprint", "target", "recipe", "what", "kind", "formula"]
    print_table(
        [*columns[:4], "value", "allowed", *columns[4:]],
        [
            [
                *(str(r[c]) for c in columns[:4]),
                shown(r, "value"),
                shown(r, "allowed"),
                *(str(r[c]) for c in columns[4:]),
            ]
            for r in rows
        ],
    )
