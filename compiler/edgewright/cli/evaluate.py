"""`edgewright evaluate`: measure what was built, judge it, and show every recipe on offer beside the one that ships."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from edgewright.cli.arguments import blueprint_option, environment_option, output_option, repository_argument
from edgewright.cli.chain import Evaluated, Session
from edgewright.cli.output.progress import ProgressLines
from edgewright.cli.output.tables import print_table
from edgewright.cli.releasing import gate_json
from edgewright.evaluate.table import Candidate, recipe_table
from edgewright.spec.v1beta1.blueprint import Blueprint


@click.command("evaluate")
@repository_argument
@blueprint_option
@environment_option
@output_option
@click.option("--candidates", is_flag=True, help="Measure every recipe on offer, on each build's first target.")
def command(
    repository: Path, blueprints: tuple[str, ...], environment: str | None, output: str, candidates: bool
) -> None:
    """Measure the artifacts of REPOSITORY against the float32 reference and judge them by the gates.

    With --candidates nothing is refused: the table shows what each recipe would cost, and which the gates let through.
    """
    session = Session(repository, blueprints, ProgressLines(), environment=environment)
    found = []
    for loaded in session.blueprints:
        evaluated = session.evaluate(session.plan(loaded, candidates=candidates))
        found.append((loaded, evaluated))
    if output == "json":
        click.echo(json.dumps({b.document.metadata.name: [_json(e) for e in items] for b, items in found}, indent=2))
    else:
        for loaded, items in found:
            _print(loaded.document, items)
    if not candidates:
        for loaded, items in found:
            session.require_green(loaded, items)


def _print(blueprint: Blueprint, items: Sequence[Evaluated]) -> None:
    candidates = [
        Candidate(
            e.variant.recipe.name,
            e.variant.backend,
            e.variant.target_name,
            False,
            e.measurements,
        )
        for e in items
    ]
    table = recipe_table(blueprint.spec.model.task, blueprint.spec.gates, candidates)
    columns = ["target", "backend", "recipe", *(column.title for column in table.columns), "gates"]
    rows = [
        [
            row.target,
            row.backend,
            row.recipe,
            *(cell.text or "not measured" for cell in row.cells),
            "pass" if not row.red else f"{row.verdict}: {', '.join(row.red)}",
        ]
        for row in table.rows
    ]
    print_table(columns, rows, title=f"{blueprint.metadata.name}, measured on this machine")


def _json(item: Evaluated) -> dict[str, object]:
    values = {name: {"value": m.value, "unit": m.unit, "n": m.n} for name, m in item.measurements.values.items()}
    return {
        "target": item.variant.target_name,
        "backend": item.variant.backend,
        "recipe": item.variant.recipe.name,
        "measurements": values,
        "absent": dict(item.measurements.absent),
        "gates": [gate_json(gate) for gate in item.gates],
    }
