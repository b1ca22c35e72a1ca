"""`edgewright status`: what devices run, as the ledger last heard it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgewright.cli.arguments import blueprint_option, environment_option, output_option, repository_argument
from edgewright.cli.fleets import ledger_option, ledger_path

if TYPE_CHECKING:
    from edgewright.observe.status import RolloutStatus


_COLUMNS = ["device", "target", "release", "state", "roll-out", "latency", "wave", "last seen", "observed", "note"]


@click.command("status")
@repository_argument
@blueprint_option
@environment_option
@ledger_option
@click.option("--exit-code", is_flag=True, help="Exit 6 when a device is not known to be as it should.")
@output_option
def command(
    repository: Path,
    blueprints: tuple[str, ...],
    environment: str | None,
    ledger: Path | None,
    exit_code: bool,
    output: str,
) -> None:
    """Show device, release, state, latency, wave and when each device was last heard. Connects to no device.

    With --exit-code: 6 unless every device confirmed the release of the last roll-out, and the last observation
    (edgewright drift) found nothing.
    """
    import json
    from dataclasses import asdict

    from edgewright.kernel.diagnostics import ExitCode, fail
    from edgewright.observe.status import read_status

    rollouts = read_status(ledger_path(repository, ledger, environment), blueprints)
    if output == "json":
        click.echo(json.dumps([asdict(rollout) for rollout in rollouts], indent=2, sort_keys=True))
        _end(rollouts, exit_code)
        return
    if blueprints and not rollouts:
        raise fail(
            "never-rolled-out",
            f"{', '.join(blueprints)} was never rolled out from here",
            exit_code=ExitCode.USAGE,
            hint="edgewright status without --blueprint shows all that were",
        )
    for rollout in rollouts:
        _print_rollout(rollout)
    _end(rollouts, exit_code)


def _print_rollout(rollout: RolloutStatus) -> None:
    from edgewright.cli.output.tables import print_table
    from edgewright.kernel.units import format_duration, version_of

    rows = [
        [
            device.device,
            device.target,
            version_of(device.running),
            device.state or "unknown",
            device.status,
            format_duration(device.latency_s) if device.latency_s is not None else "-",
            str(device.wave),
            device.last_seen or "never",
            device.last_observed or "never",
            ", ".join(device.differences) or device.complaint or "",
        ]
        for device in rollout.devices
    ]
    title = f"{rollout.blueprint} {rollout.version}: {rollout.verdict or 'under way or cut off'}"
    print_table(_COLUMNS, rows, title=title)


def _end(rollouts: Sequence[RolloutStatus], exit_code: bool) -> None:
    from edgewright.kernel.diagnostics import ExitCode

    is_well = all(rollout.verdict is not None and all(d.is_well for d in rollout.devices) for rollout in rollouts)
    if exit_code and not is_well:
        raise click.exceptions.Exit(int(ExitCode.CHANGES))
