"""`edgewright targets`: device classes, their numbers, and where each number comes from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from edgewright.cli.arguments import output_option
from edgewright.cli.output.tables import print_table
from edgewright.kernel.diagnostics import ExitCode, did_you_mean, fail
from edgewright.kernel.units import format_size
from edgewright.load.documents import load_repository, shipped_targets
from edgewright.spec.v1beta1.target import Target

_COLUMNS = ["target", "architecture", "cpu", "cores", "memory", "for model", "GB/s", "W", "runtimes"]
_SIZES = ("memory", "memoryForModel", "disk")
_UNITS = {"memoryBandwidth": " GB/s", "power": " W"}


@click.command("targets")
@click.argument("name", required=False)
@click.option(
    "--repository", type=click.Path(path_type=Path, file_okay=False), help="Also the targets of this fleet repository."
)
@output_option
def command(name: str | None, repository: Path | None, output: str) -> None:
    """List device classes, or show NAME with the source of every number."""
    loaded = load_repository(repository, keep_problems=True).targets if repository else shipped_targets()
    targets = {key: value.document for key, value in sorted(loaded.items())}
    if name is not None and name not in targets:
        raise fail(
            "unknown-target", f"there is no target {name!r}", exit_code=ExitCode.USAGE, hint=did_you_mean(name, targets)
        )
    chosen = targets if name is None else {name: targets[name]}
    if output == "json":
        found = {key: t.model_dump(mode="json", by_alias=True, exclude_none=True)["spec"] for key, t in chosen.items()}
        click.echo(json.dumps(found, indent=2))
    elif name is None:
        print_table(_COLUMNS, [_row(key, target) for key, target in targets.items()])
    else:
        _print_one(name, targets[name])


def _row(name: str, target: Target) -> list[str]:
    spec = target.spec
    sizes = [format_size(spec.memory), format_size(spec.memory_for_model)]
    numbers = [f"{spec.memory_bandwidth:g}", f"{spec.power:g}"]
    return [name, spec.architecture, spec.isa.cpu, str(spec.cores), *sizes, *numbers, " ".join(spec.runtimes)]


def _print_one(name: str, target: Target) -> None:
    click.echo(f"{name}: {(target.metadata.description or '').strip()}\n")
    spec = target.spec.model_dump(mode="json", by_alias=True)
    rows = [[key, _shown(key, spec), source.strip()] for key, source in target.spec.sources.items()]
    print_table(["what", "value", "source"], rows)


def _shown(key: str, spec: Mapping[str, Any]) -> str:
    value = spec.get(key)
    if key in _SIZES and isinstance(value, int):
        return format_size(value)
    if key == "isa" and isinstance(value, dict):
        return " ".join([value["cpu"], *value["features"], f"{value['vectorFloats']} floats"])
    if isinstance(value, float):
        return f"{value:g}{_UNITS.get(key, '')}"
    return "-" if value is None else str(value)
