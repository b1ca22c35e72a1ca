"""`edgewright rollout`: deliver a release in waves; `--resume` goes on after an interruption."""

from __future__ import annotations

from pathlib import Path

import click

from edgewright.cli.arguments import blueprint_option, environment_option, output_option, repository_argument
from edgewright.cli.fleets import duration, finish, ledger_option, on_option, open_sessions


@click.command("rollout")
@repository_argument
@blueprint_option
@environment_option
@on_option
@click.option("--resume", is_flag=True, help="Go on with the last roll-out: devices are observed first.")
@click.option("--lift", is_flag=True, help="Roll a release out although it was rolled back or failed before.")
@click.option("--abandon", is_flag=True, help="Give up a roll-out that was cut off, and start anew.")
@click.option(
    "--wait", "wait_s", default="0s", callback=duration, metavar="DURATION", help="How long to wait for absent devices."
)
@ledger_option
@output_option
def command(  # noqa: PLR0913, PLR0917 - click passes each option as an argument
    repository: Path,
    blueprints: tuple[str, ...],
    environment: str | None,
    on: tuple[str, ...],
    resume: bool,
    lift: bool,
    abandon: bool,
    wait_s: float,
    ledger: Path | None,
    output: str,
) -> None:
    """Roll releases out in waves, with health gates, confirmation and rollback.

    Exit 0: confirmed, or waiting for absent devices only. Exit 5: paused or rolled back.
    """
    if resume and (lift or abandon or on):
        raise click.UsageError("--resume goes on with a roll-out as it was planned; --on, --lift, --abandon start anew")
    with open_sessions(repository, blueprints, ledger, wait_s, environment=environment) as sessions:
        states = []
        for session in sessions:
            states.append(session.resume() if resume else session.start(on=on, lift=lift, abandon=abandon))
            if states[-1].verdict in {"paused", "rolled-back"}:
                break
        finish(states, output)
