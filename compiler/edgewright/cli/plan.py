"""`edgewright plan`: what a compile would do, action by action; with `--base`, what a change does to the fleet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from edgewright.cli.arguments import (
    Invocation,
    blueprint_option,
    environment_option,
    note_output,
    repository_argument,
)
from edgewright.kernel.diagnostics import ExitCode

SCHEMA = 1
"""Version of the JSON form of a change."""


def _note_form(context: click.Context, parameter: click.Parameter, value: str | None) -> str:
    """Errors have no Markdown: they stay text."""
    form = note_output(context, parameter, None if value == "markdown" else value)
    return value or form


@click.command("plan")
@repository_argument
@blueprint_option
@environment_option
@click.option("--base", metavar="REF", help="Show what the change since REF does to the fleet, read from Git.")
@click.option("--revision", metavar="REV", help="Plan a branch, tag or commit, not the working tree.")
@click.option(
    "--output",
    "-o",
    type=click.Choice(["text", "json", "markdown"]),
    callback=_note_form,
    help="Form of the result; Markdown, with --base, is the comment of a pull request.  [default: text]",
)
@click.option("--exit-code", is_flag=True, help="With --base: exit with 6 when something changes.")
@click.pass_obj
def command(
    invocation: Invocation,
    repository: Path,
    blueprints: tuple[str, ...],
    environment: str | None,
    base: str | None,
    revision: str | None,
    output: str,
    exit_code: bool,
) -> ExitCode:
    """Show what compiling REPOSITORY would run, what is in the store already, and estimates with their formula.

    With --base: what a change does, cohort by cohort, and what it does not touch. Runs no model code, needs no secret.
    """
    if base is not None:
        return _plan_change(repository, base, revision, blueprints, environment, output, exit_code)
    if exit_code or output == "markdown":
        raise click.UsageError("--exit-code and --output markdown are about a change: give its --base")
    if revision is not None:
        from edgewright.cli.revisions import revision_source

        repository = revision_source(repository, revision).folder
        invocation.repository = repository  # what messages quote
    _plan_actions(repository, blueprints, environment, output)
    return ExitCode.OK


def _plan_change(
    repository: Path,
    base: str,
    revision: str | None,
    blueprints: Sequence[str],
    environment: str | None,
    output: str,
    exit_code: bool,
) -> ExitCode:
    from edgewright.cli.changes import plan_change

    found = plan_change(repository, base, revision, blueprints, environment)
    if output == "markdown":
        from edgewright.cli.output.plan_markdown import render_markdown

        click.echo(render_markdown(found), nl=False)
    elif output == "json":
        click.echo(json.dumps({"schema": SCHEMA, **asdict(found)}, indent=2))
    else:
        from edgewright.cli.output.plan_text import print_change

        print_change(found)
    return ExitCode.CHANGES if exit_code and not found.is_empty else ExitCode.OK


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
