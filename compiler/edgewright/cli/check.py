"""`edgewright check`: every mistake of every document, with its place; and the estimates that need no build."""

from __future__ import annotations

import json
from pathlib import Path

import click

from edgewright.check.rule import Subject
from edgewright.check.rules import budget
from edgewright.check.run import check
from edgewright.cli.arguments import blueprint_option, output_option, repository_argument
from edgewright.cli.output.diagnostics import as_json, print_diagnostics
from edgewright.cli.output.tables import print_table
from edgewright.kernel.diagnostics import EdgewrightError, Severity
from edgewright.kernel.units import format_size
from edgewright.load.documents import Repository, load_repository
from edgewright.plugins.registry import Registry


@click.command("check")
@repository_argument
@blueprint_option
@output_option
@click.option("--verbose", "-v", is_flag=True, help="Show the estimates of every build, with their formula.")
def command(repository: Path, blueprints: tuple[str, ...], output: str, verbose: bool) -> None:
    """Check the documents of REPOSITORY: every mistake of every file in one run."""
    loaded = load_repository(repository, selectors=blueprints, keep_problems=True)
    registry = Registry()
    found = check(loaded, registry)
    if any(d.severity is Severity.ERROR for d in found):
        raise EdgewrightError(*found)
    names = sorted(loaded.blueprints)
    if output == "json":
        result = {
            "blueprints": names,
            "diagnostics": [as_json(d, roots=[repository]) for d in found],
            "estimates": _estimates(loaded, registry),
        }
        click.echo(json.dumps(result, indent=2, sort_keys=True))
        return
    print_diagnostics(found, roots=[repository])
    if verbose:
        _print_estimates(loaded, registry)
    word = "blueprint is" if len(names) == 1 else "blueprints are"
    click.echo(f"{len(names)} {word} right: {', '.join(names)}")


def _estimates(repository: Repository, registry: Registry) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for name, loaded in sorted(repository.blueprints.items()):
        subject = Subject(loaded, repository, registry)
        facts = budget.declared_facts(subject)
        if facts is None:
            continue
        for variant, found in budget.estimates(subject, facts):
            rows += [
                {
                    "blueprint": name,
                    "target": variant.request.target_name,
                    "recipe": variant.request.recipe.name,
                    "what": item.name,
                    "value": item.value,
                    "unit": item.unit,
                    "allowed": item.allowed,
                    "kind": f"estimated from {facts.origin} facts",
                    "formula": item.formula,
                }
                for item in found
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
