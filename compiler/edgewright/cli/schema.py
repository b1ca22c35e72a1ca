"""`edgewright schema`: the JSON Schemas of documents, for editors; what is committed is tested equal."""

from __future__ import annotations

from pathlib import Path

import click

from edgewright.kernel.diagnostics import ExitCode, did_you_mean, fail
from edgewright.kernel.files import write_atomic
from edgewright.spec.schemas import file_name, schema_bytes
from edgewright.spec.v1beta1.documents import KINDS


@click.command("schema")
@click.argument("kind", required=False)
@click.option("--write", "folder", type=click.Path(path_type=Path, file_okay=False), help="Write them into a folder.")
def command(kind: str | None, folder: Path | None) -> None:
    """Print the schema of a KIND of document, or write all (or that one) into a folder."""
    known = {name.lower(): name for name in KINDS}
    if kind is not None and kind.lower() not in known:
        hint = did_you_mean(kind, KINDS)
        raise fail("unknown-kind", f"there is no kind {kind!r}", exit_code=ExitCode.USAGE, hint=hint)
    chosen = [known[kind.lower()]] if kind else sorted(KINDS)
    if folder is not None:
        for name in chosen:
            write_atomic(folder / file_name(name), schema_bytes(name))
            click.echo((folder / file_name(name)).as_posix())
    elif kind is None:
        raise click.UsageError(f"name a kind ({', '.join(sorted(KINDS))}) or a folder with --write")
    else:
        click.echo(schema_bytes(chosen[0]).decode(), nl=False)
