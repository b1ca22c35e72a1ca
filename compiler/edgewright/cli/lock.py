"""`edgewright lock`: resolve every name that a blueprint uses to a digest, into a file that is reviewed like code."""

from __future__ import annotations

from pathlib import Path

import click

from edgewright.cli.arguments import blueprint_option, environment_option, repository_argument
from edgewright.cli.locking import Locking


@click.command("lock")
@repository_argument
@blueprint_option
@environment_option
@click.option("--check", "check_only", is_flag=True, help="Only say whether the locks are current; change nothing.")
@click.option(
    "--upgrade",
    "upgrade",
    multiple=True,
    metavar="NAME",
    help="Ask again for this entry or package, or those that match a glob; all else stays (repeatable).",
)
def command(
    repository: Path, blueprints: tuple[str, ...], environment: str | None, check_only: bool, upgrade: tuple[str, ...]
) -> None:
    """Write the lock of every blueprint of REPOSITORY beside it.

    Entries that still hold stay as they are. An environment has a lock of its own, below overlays/, for a blueprint of
    which it asks for something else.
    """
    if check_only and upgrade:
        raise click.UsageError("--check changes nothing: leave --upgrade out")
    locking = Locking(repository, blueprints, environment)
    if check_only:
        for path in locking.check():
            click.echo(f"{path} is current")
        return
    for line in locking.write(upgrade):
        click.echo(line)
