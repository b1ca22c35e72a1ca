"""`edgewright schema`: the JSON Schemas of documents, for editors; generated, and tested equal to what is committed."""

from __future__ import annotations

import json
from pathlib import Path

import click

from edgewright.kernel.diagnostics import ExitCode, did_you_mean, fail
from edgewright.kernel.files import write_atomic
from edgewright.spec.v1alpha1.documents import KINDS


def schemas() -> dict[str, bytes]:
    """File name to the bytes of the schema of each kind."""
    found = {}
    for kind, model in KINDS.items():
        schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema(by_alias=True)}
        found[f"{kind.lower()}.v1alpha1.json"] = (json.dumps(schema, indent=2, sort_keys=True) + "\n").encode()
    return found


@click.command("schema")
@click.argument("kind", required=False)
@click.option("--write", "folder", type=click.Path(path_type=Path, file_okay=False), help="Write all schemas there.")
def command(kind: str | None, folder: Path | None) -> None:
    """Print the schema of a KIND, or write all of them into a folder."""
    found = schemas()
    if folder is not None:
        for name, data in found.items():
            write_atomic(folder / name, data)
        return
    names = {name.split(".")[0]: name for name in found}
    if kind is None or kind.lower() not in names:
        raise fail(
            "unknown-kind", f"there is no kind {kind!r}", exit_code=ExitCode.USAGE, hint=did_you_mean(str(kind), KINDS)
        )
    click.echo(found[names[kind.lower()]].decode(), nl=False)
