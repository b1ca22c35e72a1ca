"""`edgewright rollback`: take devices off the release they run, back to the one before."""

from __future__ import annotations

from pathlib import Path

import click

from edgewright.cli.arguments import blueprint_option, environment_option, output_option, repository_argument
from edgewright.cli.fleets import finish, ledger_option, on_option, open_sessions


@click.command("rollback")
@repository_argument
@blueprint_option
@environment_option
@on_option
@click.option("--to", "to_version", metavar="VERSION", help="Refuse unless every device keeps this release.")
@ledger_option
@output_option
def command(
    repository: Path,
    blueprints: tuple[str, ...],
    environment: str | None,
    on: tuple[str, ...],
    to_version: str | None,
    ledger: Path | None,
    output: str,
) -> None:
    """Leave the release of the last roll-out. Each device keeps the release it confirmed before, and goes back to it.

    The release is denied until a person lifts it (rollout --lift).
    """
    from edgewright.kernel.units import release_number

    try:
        to = release_number(to_version) if to_version is not None else None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--to") from None
    with open_sessions(repository, blueprints, ledger, environment=environment) as sessions:
        if len(sessions) > 1:
            names = ", ".join(session.name for session in sessions)
            raise click.UsageError(f"choose one blueprint with --blueprint: {names}")
        finish([session.recall(on=on, to=to) for session in sessions], output, recalled=True)
