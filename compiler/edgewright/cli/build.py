"""`edgewright build`: build every artifact, without measuring or packaging it."""

from __future__ import annotations

from pathlib import Path

import click

from edgewright.cli.arguments import blueprint_option, environment_option, repository_argument
from edgewright.cli.chain import Session
from edgewright.cli.output.progress import ProgressLines
from edgewright.cli.output.tables import print_table
from edgewright.kernel.units import format_size


@click.command("build")
@repository_argument
@blueprint_option
@environment_option
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Also lay the artifacts out there.")
def command(repository: Path, blueprints: tuple[str, ...], environment: str | None, out: Path | None) -> None:
    """Build the artifacts of REPOSITORY into the store."""
    session = Session(repository, blueprints, ProgressLines(), environment=environment)
    rows = []
    for loaded in session.blueprints:
        plan = session.plan(loaded)
        results = session.build(plan)
        for variant in plan.variants:
            tree = results[variant.artifact].tree
            size = sum(entry.size for entry in tree.values())
            name = plan.blueprint.metadata.name
            rows.append([name, variant.target_name, variant.backend, variant.recipe.name, format_size(size)])
            if out is not None:
                session.materialise(plan, variant.artifact, out / name / variant.target_name)
    print_table(["blueprint", "target", "backend", "recipe", "size"], rows)
