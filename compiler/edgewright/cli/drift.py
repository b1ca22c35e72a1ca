"""`edgewright drift`: ask the devices now, and say which are not as they should be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgewright.cli.arguments import blueprint_option, environment_option, output_option, repository_argument
from edgewright.cli.fleets import ledger_option, on_option, open_sessions

if TYPE_CHECKING:
    from edgewright.observe.drift import Drift


@click.command("drift")
@repository_argument
@blueprint_option
@environment_option
@on_option
@click.option("--exit-code", is_flag=True, help="Exit 6 when a device is not as it should be.")
@ledger_option
@output_option
def command(
    repository: Path,
    blueprints: tuple[str, ...],
    environment: str | None,
    on: tuple[str, ...],
    exit_code: bool,
    ledger: Path | None,
    output: str,
) -> None:
    """Ask every device what it runs, and compare it, file by file, with the release in dist/. Changes nothing.

    Names devices with another release, changed files or options, a service that is down, absent and unknown devices.
    """
    import json

    from edgewright.cli.drifting import drift_json, find_drift
    from edgewright.kernel.diagnostics import ExitCode

    with open_sessions(repository, blueprints, ledger, environment=environment) as sessions:
        found = [find_drift(session, on) for session in sessions]
    if output == "json":
        click.echo(json.dumps([drift_json(drift) for drift in found], indent=2, sort_keys=True))
    else:
        for drift in found:
            print_drift(drift)
    if exit_code and any(drift.differing for drift in found):
        raise click.exceptions.Exit(int(ExitCode.CHANGES))


def print_drift(drift: Drift) -> None:
    """The table of one blueprint: a line for each difference, one for a device without any."""
    from collections import Counter

    from edgewright.cli.output.tables import print_table
    from edgewright.cli.output.terminal import plain
    from edgewright.kernel.units import version_of

    rows = []
    for device in drift.devices:
        told = [device.device, device.target, device.site, version_of(device.runs), version_of(device.should)]
        rows += [[*told, difference.kind, difference.message] for difference in device.differences]
        if device.is_in_sync:
            rows.append([*told, "in-sync", ""])
    counts = Counter(kind for device in drift.differing for kind in device.kinds)
    said = ", ".join(f"{number} {kind}" for kind, number in sorted(counts.items()))
    number = len(drift.differing)
    verdict = f"{number} of {len(drift.devices)} devices differ: {said}" if number else f"{len(rows)} in sync"
    title = f"{drift.blueprint} {drift.version}: {verdict}"
    print_table(["device", "target", "site", "runs", "should", "what", "why"], rows, title=title)
    if drift.denied is not None:
        click.echo(plain(f"{drift.blueprint} {drift.version} is denied ({drift.denied}): devices keep what they have"))
