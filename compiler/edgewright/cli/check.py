"""`edgewright check`: every mistake of every document, with its place; and the estimates that need no build."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from edgewright.check.rule import Subject
from edgewright.check.rules import budget
from edgewright.check.run import check
from edgewright.cli.arguments import blueprint_option, output_option, repository_argument
from edgewright.cli.output.diagnostics import print_diagnostics
from edgewright.cli.output.tables import print_table
from edgewright.kernel.diagnostics import EdgewrightError, Severity
from edgewright.kernel.units import format_size
from edgewright.load.documents import Repository, load_repository
from edgewright.plugins.registry import Registry


@click.command("check")
@repository_argument
@blueprint_option
@output_option
@click.option("--estimates", is_flag=True, help="Show memory, disk and decode rate of every build, with their formula.")
def command(repository: Path, blueprints: tuple[str, ...], output: str, estimates: bool) -> None:
    """Check the documents of REPOSITORY: every mistake of every file in one run."""
    loaded = load_repository(repository, selectors=blueprints)
    registry = Registry()
    found = check(loaded, registry)
    if any(d.severity is Severity.ERROR for d in found):
        raise EdgewrightError(*found)
    if output == "json":
        click.echo(json.dumps({"diagnostics": [asdict(d) for d in found], "blueprints": sorted(loaded.blueprints)}))
        return
    print_diagnostics(found, roots=[repository])
    if estimates:
        _print_estimates(loaded, registry)
    click.echo(f"{len(loaded.blueprints)} blueprint(s) are right: {', '.join(sorted(loaded.blueprints))}")


def _print_estimates(repository: Repository, registry: Registry) -> None:
    rows = []
    for name, loaded in sorted(repository.blueprints.items()):
        subject = Subject(loaded, repository, registry)
        facts = budget.declared_facts(subject)
        if facts is None:
            continue
        for target, recipe, _, found in budget.estimates(subject, facts):
            for item in found:
                value = f"{item.value:.0f} tokens/s" if item.unit == "tokens/s" else format_size(item.value)
                rows.append([name, target, recipe, item.name, value, "estimated", item.formula])
    print_table(["blueprint", "target", "recipe", "what", "value", "kind", "formula"], rows)
