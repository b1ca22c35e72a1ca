"""`edgewright doctor`: which tools, plugins and environments are here, and what each is for. Changes nothing."""

from __future__ import annotations

import json
import shutil
from typing import get_args

import click

from edgewright.cli.arguments import output_option
from edgewright.cli.output.tables import print_table
from edgewright.kernel.diagnostics import EdgewrightError
from edgewright.kernel.process import DEBIAN_PACKAGES
from edgewright.kernel.resources import cache_folder
from edgewright.plugins import environments
from edgewright.plugins.protocols import Environment
from edgewright.plugins.registry import GROUPS, Registry
from edgewright.rollout.tools import search_path

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
@output_option
def command(output: str) -> None:
    """Say what is here, what is missing, and what each thing is for. Changes nothing."""
    tools = {tool: shutil.which(tool, path=search_path()) for tool in _TOOLS}
    plugins = _plugins(Registry())
    described = {name: environments.describe(name) for name in get_args(Environment)}
    if output == "json":
        found = {"tools": tools, "plugins": plugins, "environments": described, "cache": str(cache_folder())}
        click.echo(json.dumps(found, indent=2))
        return
    print_table(
        ["tool", "where", "for"], [[tool, where or _missing(tool), _TOOLS[tool]] for tool, where in tools.items()]
    )
    click.echo()
    print_table(
        ["group", "plugin", "state"],
        [[g, name, state] for g, all_of in plugins.items() for name, state in all_of.items()],
    )
    click.echo()
    for line in described.values():
        click.echo(f"environment {line}")
    click.echo(f"cache {cache_folder()}")


def _missing(tool: str) -> str:
    return (
        f"missing (Debian: {DEBIAN_PACKAGES[tool]})" if tool in DEBIAN_PACKAGES else "missing (pip: edgewright[fleet])"
    )


def _plugins(registry: Registry) -> dict[str, dict[str, str]]:
    """Every plugin of every group, and whether it loads."""
    found: dict[str, dict[str, str]] = {}
    for group in GROUPS:
        found[group] = {}
        for name in registry.names(group):
            try:
                registry.load(group, name)
            except EdgewrightError as broken:
                found[group][name] = f"broken: {broken}"
            else:
                found[group][name] = "ok"
    return found
