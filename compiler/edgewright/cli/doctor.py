"""`edgewright doctor`: which tools, plugins and environments are here, and what each is for."""

from __future__ import annotations

import shutil

import click

from edgewright.cli.output.tables import print_table
from edgewright.kernel.process import DEBIAN_PACKAGES
from edgewright.kernel.resources import cache_folder
from edgewright.plugins import environments
from edgewright.plugins.registry import Registry

_TOOLS = {
    "git": "the revision of a release",
    "ssh-keygen": "sign and verify releases",
    "gcc": "link TVM libraries for x86-64",
    "aarch64-linux-gnu-gcc": "link TVM libraries for aarch64",
    "riscv64-linux-gnu-gcc": "link TVM libraries for riscv64",
    "qemu-aarch64-static": "prove aarch64 artifacts",
    "qemu-riscv64-static": "prove riscv64 artifacts",
    "ansible-playbook": "roll out",
}


@click.command("doctor")
def command() -> None:
    """Say what is here, what is missing, and what each thing is for. Changes nothing."""
    rows = []
    for tool, purpose in _TOOLS.items():
        found = shutil.which(tool)
        rows.append(
            [tool, found or f"missing (Debian: {DEBIAN_PACKAGES.get(tool, 'pip install edgewright[fleet]')})", purpose]
        )
    print_table(["tool", "where", "for"], rows)
    registry = Registry()
    plugins = [[g, ", ".join(registry.names(g))] for g in ("sources", "backends", "metrics")]
    click.echo()
    print_table(["plugins", "names"], plugins)
    click.echo()
    for name in ("onnx", "genai", "tvm"):
        click.echo(f"environment {environments.describe(name)}")
    click.echo(f"cache {cache_folder()}")
