"""`edgewright plan`: what a compile would do, action by action; with `--base`, what a change does to the fleet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click

from edgewright.cli.arguments import (
    Invocation,
    blueprint_option,
    environment_option,
    note_output,
    report_option,
    repository_argument,
)
from edgewright.kernel.diagnostics import Diagnostic, ExitCode, Severity

SCHEMA = 1
"""Version of the JSON form of a change."""


def _note_form(context: click.Context, parameter: click.Parameter, value: str | None) -> str:
    """Errors have no Markdown: they stay text."""
    form = note_output(context, parameter, None if value == "markdown" else value)
    return value or form


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a comparison prints and writes."""

    output: str
    exit_code: bool
    steps: Path | None


@click.command("plan")
@repository_argument
@blueprint_option
@environment_option
@click.option(
    "--base",
    metavar="REF",
    help="Show what the change since REF does to the fleet, read from Git; 40 zeros are the state before a first push.",
)
@click.option("--revision", metavar="REV", help="Plan a branch, tag or commit, not the working tree.")
@click.option(
    "--output",
    "-o",
    type=click.Choice(["text", "json", "markdown"]),
    callback=_note_form,
    help="Form of the result; Markdown, with --base, is the comment of a pull request.  [default: text]",
)
@click.option("--exit-code", is_flag=True, help="With --base: exit with 6 when something changes.")
@click.option(
    "--steps",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="With --base: write what to do next to FILE, `STEP NAME VERSION` a line; a version that had to be raised and "
    "was not is then an error.",
)
@report_option("With --base: also write what is wrong to FILE, in any form of `check` (repeatable).")
@click.pass_obj
def command(  # noqa: PLR0913, PLR0917 - click passes each option as an argument
    invocation: Invocation,
    repository: Path,
    blueprints: tuple[str, ...],
    environment: str | None,
    base: str | None,
    revision: str | None,
    output: str,
    exit_code: bool,
    steps: Path | None,
) -> ExitCode:
    """Show what compiling REPOSITORY would run, what is in the store already, and estimates with their formula.

    With --base: what a change does, cohort by cohort, and what it does not touch. Runs no model code, needs no secret.
    """
    if base is not None:
        asked = _Asked(output, exit_code, steps)
        return _plan_change(invocation, repository, (base, revision), blueprints, environment, asked)
    if exit_code or output == "markdown" or steps is not None or invocation.reports:
        options = "--exit-code, --steps, --report and --output markdown"
        raise click.UsageError(f"{options} are about a change: give its --base")
    if revision is not None:
        from edgewright.cli.revisions import revision_source

        repository = revision_source(repository, revision).folder
        invocation.repository = repository  # what messages quote
    _plan_actions(repository, blueprints, environment, output)
    return ExitCode.OK


def _plan_change(
    invocation: Invocation,
    repository: Path,
    ends: tuple[str, str | None],
    blueprints: Sequence[str],
    environment: str | None,
    asked: _Asked,
) -> ExitCode:
    from edgewright.cli.changes import plan_change

    planned = plan_change(repository, *ends, blueprints, environment)
    found, problems = planned.change, planned.problems
    if asked.output == "markdown":
        from edgewright.cli.output.plan_markdown import render_markdown

        click.echo(render_markdown(found), nl=False)
    elif asked.output == "json":
        click.echo(json.dumps({"schema": SCHEMA, **asdict(found)}, indent=2))
    else:
        from edgewright.cli.output.plan_text import print_change

        print_change(found)
    if asked.steps is not None:  # there is no next step for it
        problems = tuple(replace(problem, severity=Severity.ERROR) for problem in problems)
    _report(invocation, repository, problems)
    if asked.steps is not None:
        if problems:
            return ExitCode.DOCUMENTS
        from edgewright.cli.output.report import write_file
        from edgewright.plan.step import step_lines

        write_file(asked.steps, step_lines(found, environment))
    return ExitCode.CHANGES if asked.exit_code and not found.is_empty else ExitCode.OK


def _report(invocation: Invocation, repository: Path, problems: tuple[Diagnostic, ...]) -> None:
    """Write the reports that were asked for; stdout is the plan's, so people read what is wrong on stderr."""
    from edgewright.cli.output.findings import Findings
    from edgewright.cli.output.report import print_report, write_reports

    findings = Findings(problems, root=repository)
    write_reports(invocation.take_reports(), findings)
    print_report("text", findings)


def _plan_actions(repository: Path, blueprints: tuple[str, ...], environment: str | None, output: str) -> None:
    from edgewright.check.rule import Subject
    from edgewright.cli.chain import Session
    from edgewright.cli.known import KnownResults
    from edgewright.cli.output.plan_actions import ActionState, print_actions, print_estimates, print_fleet
    from edgewright.cli.output.progress import ProgressLines
    from edgewright.cli.sides import Side

    session = Session(repository, blueprints, ProgressLines(), environment=environment, policies=False)
    plans = [session.plan(loaded) for loaded in session.blueprints]
    found: dict[str, list[ActionState]] = {}
    for plan in plans:
        results = [(action, session.store.result(action.key)) for action in plan.actions]
        found[plan.blueprint.metadata.name] = [
            ActionState(action.kind, action.subject, action.key, action.determinism, result.seconds if result else None)
            for action, result in results
        ]
    side = Side(session.repository, session.registry, KnownResults(session.store), session.results)
    fleets = {plan.blueprint.metadata.name: side.summary(plan.blueprint) for plan in plans}
    if output == "json":
        documents = {
            name: {"actions": [asdict(state) for state in states], "fleet": asdict(fleets[name])}
            for name, states in found.items()
        }
        click.echo(json.dumps({"schema": SCHEMA, "blueprints": documents}, indent=2))
        return
    for loaded in session.blueprints:
        name = loaded.document.metadata.name
        print_actions(name, found[name])
        print_estimates(Subject(loaded, session.repository, session.registry, session.facts(loaded)))
        print_fleet(fleets[name])
