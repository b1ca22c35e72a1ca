"""`edgewright init`: a fleet repository that passes `check` at once, with its pipelines; overwrites nothing."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import click

from edgewright.cli.arguments import output_option
from edgewright.scaffold.contents import FORGES, contents
from edgewright.scaffold.layout import lay_out
from edgewright.spec.base import NAME_PATTERN

_CHOICES = {"both": FORGES, "github": ("github",), "gitlab": ("gitlab",), "none": ()}


def _name(context: click.Context, parameter: click.Parameter, value: str) -> str:
    del context
    if re.fullmatch(NAME_PATTERN, value) is None:
        raise click.BadParameter(
            f"{value[:80]!r} is not a name: small letters, digits and dashes inside, at most 63", param=parameter
        )
    return value


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path(), metavar="[FOLDER]")
@click.option(
    "--name", default="handbook-search", show_default=True, callback=_name, help="Name of the blueprint, in kebab-case."
)
@click.option(
    "--ci", type=click.Choice(sorted(_CHOICES)), default="both", show_default=True, help="Whose pipelines to write."
)
@output_option
def command(folder: Path, name: str, ci: str, output: str) -> None:
    """Write a fleet repository into FOLDER: blueprint, fleet, target, dataset, schemas, pipelines.

    It passes `edgewright check` as it is. No file is overwritten: when one is in the way, nothing is written at all.
    """
    files = contents(name, _CHOICES[ci])
    lay_out(folder, files)
    if output == "json":
        click.echo(json.dumps({"folder": folder.as_posix(), "files": list(files)}, indent=2))
        return
    click.echo(f"{folder.as_posix()}: {len(files)} files")
    place = "" if folder == Path() else f" {shlex.quote(folder.as_posix())}"
    click.echo(f"next: `edgewright lock{place}`, then README.md", err=True)
