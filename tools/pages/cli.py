"""`docs/reference/cli.md`, from the commands' own help.

Invariant: the same commands give the same bytes, whatever the terminal.
"""

from __future__ import annotations

import click

from edgewright.cli.main import COMMANDS, LazyGroup, cli

PATH = "reference/cli.md"
WIDTH = 100
_HEAD = """# Command line

REPOSITORY is the fleet repository's folder, the current one when absent. stdout is the result, stderr everything else;
[exit codes](exit-codes.md) and [environment variables](environment.md) are the same for all commands.

This page is made from the commands' own help by `tools/generate_docs.py`; a test compares the two.
"""


def page() -> str:
    """The page: the overview, then each command in the order of the chain."""
    sections = [_HEAD, _block(_help(cli, "edgewright", None))]
    assert isinstance(cli, LazyGroup)
    with click.Context(cli, info_name="edgewright") as group:
        for name in COMMANDS:
            command = cli.get_command(group, name)
            assert command is not None
            sections += [f"## {name}\n", _block(_help(command, name, group))]
    return "\n".join(sections)


def _help(command: click.Command, name: str, parent: click.Context | None) -> str:
    context = click.Context(
        command,
        info_name=name,
        parent=parent,
        terminal_width=WIDTH,
        max_content_width=WIDTH,
        help_option_names=["-h", "--help"],
    )
    return command.get_help(context)


def _block(text: str) -> str:
    return "```text\n" + "\n".join(line.rstrip() for line in text.splitlines()) + "\n```\n"
