"""`edgewright reconcile`: roll the release out to the devices that differ from it, and to no other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgewright.cli.arguments import blueprint_option, environment_option, output_option, repository_argument
from edgewright.cli.fleets import finish, ledger_option, on_option, open_sessions

if TYPE_CHECKING:
    from edgewright.observe.drift import Drift
    from edgewright.rollout.controller import RolloutState
    from edgewright.rollout.session import RolloutSession


@click.command("reconcile")
@repository_argument
@blueprint_option
@environment_option
@on_option
@ledger_option
@output_option
def command(
    repository: Path,
    blueprints: tuple[str, ...],
    environment: str | None,
    on: tuple[str, ...],
    ledger: Path | None,
    output: str,
) -> None:
    """Find drift, then roll the release in dist/ out to what differs: waves, gates, budget and confirmation as ever.

    Devices in sync are not touched. Absent, unknown and denied ones are named and left.
    Exit 0: nothing differs that can be put right, or all of it was. Exit 5: paused or rolled back.
    """
    with open_sessions(repository, blueprints, ledger, environment=environment) as sessions:
        states: list[RolloutState] = []
        for session in sessions:
            state = _reconcile(session, on)
            if state is None:
                continue
            states.append(state)
            if state.verdict in {"paused", "rolled-back"}:
                break
        finish(states, output)


def _reconcile(session: RolloutSession, on: tuple[str, ...]) -> RolloutState | None:
    """One blueprint; None when there is nothing to do."""
    from edgewright.cli.drifting import find_drift

    session.refuse_unfinished()
    drift = find_drift(session, on)
    due = drift.to_reconcile()
    _say_what_stays(drift, set(due))
    if not due:
        click.echo(f"{session.name} {drift.version}: nothing to do", err=True)
        return None
    settled = [device.device for device in drift.devices if device.is_in_sync]
    left = [device.device for device in drift.differing if device.device not in due]
    return session.reconcile(due, settled=settled, left=left)


def _say_what_stays(drift: Drift, due: set[str]) -> None:
    from edgewright.cli.output.terminal import plain

    for device in drift.differing:
        for difference in device.differences if device.device not in due else ():
            click.echo(plain(f"{device.device} is left as it is: {difference.kind}: {difference.message}"), err=True)
