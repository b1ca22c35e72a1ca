"""`edgewright targets`: device classes, their numbers, and where each number comes from."""

from __future__ import annotations

import click

from edgewright.cli.output.tables import print_table
from edgewright.kernel.diagnostics import ExitCode, did_you_mean, fail
from edgewright.kernel.units import format_size
from edgewright.load.documents import shipped_targets


@click.command("targets")
@click.argument("name", required=False)
def command(name: str | None) -> None:
    """List device classes, or show one with the source of every number."""
    targets = {key: loaded.document for key, loaded in shipped_targets().items()}
    if name is None:
        rows = [
            [
                key,
                t.spec.architecture,
                t.spec.isa.cpu,
                str(t.spec.cores),
                format_size(t.spec.memory),
                f"{t.spec.memory_bandwidth:g}",
                f"{t.spec.power:g}",
                " ".join(t.spec.runtimes),
            ]
            for key, t in sorted(targets.items())
        ]
        print_table(["target", "architecture", "cpu", "cores", "memory", "GB/s", "W", "runtimes"], rows)
        return
    if name not in targets:
        raise fail(
            "unknown-target", f"there is no target {name!r}", exit_code=ExitCode.USAGE, hint=did_you_mean(name, targets)
        )
    target = targets[name]
    click.echo(f"{name}: {target.metadata.description}\n")
    spec = target.spec.model_dump(by_alias=True, exclude={"sources"})
    rows = [[key, str(spec.get(key)), source] for key, source in target.spec.sources.items()]
    print_table(["what", "value", "source"], rows)
