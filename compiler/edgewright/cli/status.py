"""`edgewright status`: what devices run, as the ledger last heard it."""

from __future__ import annotations

from pathlib import Path

import click

from edgewright.cli.arguments import blueprint_option, environment_option, output_option, repository_argument
from edgewright.cli.fleets import ledger_option, ledger_path


@click.command("status")
@repository_argument
@blueprint_option
@environment_option
@ledger_option
@output_option
def command(
    repository: Path, blueprints: tuple[str, ...], environment: str | None, ledger: Path | None, output: str
) -> None:
    """Show device, release, state, latency, wave and when each device was last heard."""
    import json
    from dataclasses import asdict

    from edgewright.cli.output.tables import print_table
    from edgewright.kernel.diagnostics import ExitCode, fail
    from edgewright.kernel.units import format_duration
    from edgewright.observe.status import read_status, version_of

    rollouts = read_status(ledger_path(repository, ledger, environment), blueprints)
    if output == "json":
        click.echo(json.dumps([asdict(rollout) for rollout in rollouts], indent=2, sort_keys=True))
        return
    if blueprints and not rollouts:
        raise fail(
            "never-rolled-out",
            f"{', '.join(blueprints)} was never rolled out from here",
            exit_code=ExitCode.USAGE,
            hint="edgewright status without --blueprint shows all that were",
        )
    for rollout in rollouts:
        title = f"{rollout.blueprint} {rollout.version}: {rollout.verdict or 'under way or cut off'}"
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
                device.complaint or "",
            ]
            for device in rollout.devices
        ]
        columns = ["device", "target", "release", "state", "roll-out", "latency", "wave", "last seen", "note"]
        print_table(columns, rows, title=title)
