"""`edgewright verify`: is a release whole, signed by whom, and until when."""

from __future__ import annotations

from pathlib import Path

import click

from edgewright.check.signers import LARGEST_BYTES
from edgewright.cli.output.tables import print_table
from edgewright.kernel.files import read_bounded
from edgewright.kernel.units import format_size
from edgewright.package.verify import verify_release


@click.command("verify")
@click.argument("dist", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--allowed-signers",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Who may sign; without it the release's own list is taken.",
)
def command(dist: Path, allowed_signers: Path | None) -> None:
    """Verify the release in DIST (such as dist/store-assistant): signature, evidence and every blob."""
    signers = read_bounded(allowed_signers, LARGEST_BYTES) if allowed_signers else None
    view = verify_release(dist, allowed_signers=signers)
    click.echo(f"{view.blueprint} {view.version} (release {view.number}), signed by {view.principal}")
    click.echo(f"created {view.created}, expires {view.expires}, fleet {view.fleet}")
    rows = [
        [name, target.backend, target.recipe, str(len(target.layers)), format_size(target.size_bytes)]
        for name, target in view.targets.items()
    ]
    print_table(["target", "backend", "recipe", "files", "size"], rows)
