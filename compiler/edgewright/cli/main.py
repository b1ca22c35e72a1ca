"""The command line's entry: a lazy group of commands and the one boundary where errors become text and exit codes.

Imports click alone, so that `--help` is quick. Every command lives in a module of its own that is imported when it runs.
Invariants: stdout is the result, stderr everything else; commands never catch what they cannot mend.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

COMMANDS: dict[str, str] = {
    "check": "Check documents: every mistake with its line.",
    "lock": "Resolve every name to a digest.",
    "plan": "Show what would be built, and estimates.",
    "build": "Build artifacts, without measuring them.",
    "evaluate": "Measure artifacts and judge them by the gates.",
    "package": "Write signed releases into dist/.",
    "compile": "All of it: check, lock check, plan, build, evaluate, package, render.",
    "render": "Write the Ansible project of a release.",
    "rollout": "Roll a release out in waves.",
    "rollback": "Return devices to their confirmed release.",
    "status": "Show what devices run.",
    "verify": "Verify a release: signature, evidence, every blob.",
    "targets": "List device classes with their numbers and sources.",
    "schema": "Print or write the JSON Schemas of documents.",
    "explain": "Explain a diagnostic.",
    "doctor": "Say which tools and environments are here.",
    "demo": "The whole chain on this machine.",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for; the list and its help come from a table."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in the order of the chain."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; for the overview only its line of help is needed."""
        if cmd_name not in COMMANDS:
            return None
        if ctx.obj == "overview":
            return click.Command(cmd_name, help=COMMANDS[cmd_name])
        module = importlib.import_module(f"edgewright.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The overview, without importing any command."""
        ctx.obj = "overview"
        super().format_commands(ctx, formatter)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Like click's own, with the closest command named for a wrong one."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            import difflib

            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            also = f" Did you mean {close[0]!r}?" if close else ""
            raise click.UsageError(f"There is no command {args[0]!r}.{also}", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="edgewright")
@click.option("--debug", is_flag=True, help="Show the traceback of a bug in edgewright.")
def cli(debug: bool) -> None:
    """Compile blueprints of small language models into signed releases, and roll them out to edge devices."""


def _report_error(error: Any, arguments: Sequence[str]) -> int:
    from edgewright.cli.output.diagnostics import print_diagnostics

    print_diagnostics(error.diagnostics, as_json=_wants_json(arguments))
    return int(error.exit_code)


def _wants_json(arguments: Sequence[str]) -> bool:
    pairs = zip(arguments, [*arguments[1:], ""], strict=True)
    return any(a == "--output=json" or (a in {"--output", "-o"} and b == "json") for a, b in pairs)


def _report_bug(error: BaseException, debug: bool) -> int:
    import traceback
    from datetime import UTC, datetime

    from edgewright.kernel.resources import cache_folder

    if debug:
        traceback.print_exception(error)
    folder = cache_folder() / "crashes"
    path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.txt"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
        where = f"details: {path}"
    except OSError:
        where = "run it again with `edgewright --debug` for details"
    click.echo(f"error: this is a bug in edgewright: {type(error).__name__}: {str(error)[:200]}\n  = {where}", err=True)
    return 1


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit; the only place where errors end."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        cli.main(args=given, prog_name="edgewright", standalone_mode=False)
        code = 0
    except click.exceptions.Exit as exit_request:
        code = exit_request.exit_code
    except click.ClickException as usage:
        usage.show()
        code = 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        code = 130
    except BrokenPipeError:
        sys.stderr.close()
        code = 0
    except Exception as error:  # noqa: BLE001 - the boundary
        if type(error).__name__ == "EdgewrightError" and hasattr(error, "diagnostics"):
            code = _report_error(error, given)
        elif isinstance(error, OSError):
            click.echo(f"error: file-system  {error.strerror or error}: {error.filename or ''}", err=True)
            code = 7
        else:
            code = _report_bug(error, "--debug" in given)
    sys.exit(code)


if __name__ == "__main__":
    main()
