"""The command line's entry: a lazy group of commands and the one boundary where errors become text and exit codes.

Imports click alone, so that `--help` is quick. Every command has a module of its own, imported when it runs.
Invariants: stdout is the result, stderr everything else; commands never catch what they cannot mend.
"""

from __future__ import annotations

import errno
import gc
import importlib
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

import click

from edgewright.cli.arguments import Invocation, note_debug, note_output

COMMANDS: dict[str, str] = {
    "init": "Write a new fleet repository.",
    "check": "Check documents: every mistake with its line.",
    "show": "Print a document as the compiler sees it, and where each value is from.",
    "lock": "Resolve every name to a digest.",
    "plan": "Show what would be built, or what a change does.",
    "build": "Build artifacts, without measuring them.",
    "evaluate": "Measure artifacts and judge them by the gates.",
    "package": "Write signed releases into dist/.",
    "compile": "All of it: check, lock check, plan, build, evaluate, package, render.",
    "render": "Write the Ansible project of a release.",
    "rollout": "Roll a release out in waves.",
    "rollback": "Return devices to their confirmed release.",
    "status": "Show what devices run, as last heard.",
    "drift": "Ask devices, and name those that differ.",
    "reconcile": "Roll out to the devices that differ.",
    "audit": "Tell what ran where, when, and who merged it.",
    "verify": "Verify a release: signature, evidence, every blob.",
    "targets": "List device classes with their numbers and sources.",
    "migrate": "Rewrite documents in the newest API version, comments kept.",
    "schema": "Print or write the JSON Schemas of documents.",
    "explain": "Explain a diagnostic.",
    "doctor": "Say which tools and environments are here.",
    "demo": "The whole chain on this machine.",
}
_OF_THE_MACHINE = frozenset(
    {
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EFBIG,
        errno.EMFILE,
        errno.ENFILE,
        errno.EIO,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.EEXIST,
        errno.ELOOP,
        errno.ENAMETOOLONG,
    }
)
"""What the operating system refuses for reasons that are neither the documents' nor ours."""
_IN_THE_WAY = "move what is in the way"
_MENDED_BY = {
    errno.ENOTDIR: _IN_THE_WAY,
    errno.EISDIR: _IN_THE_WAY,
    errno.EEXIST: _IN_THE_WAY,
    errno.ELOOP: "replace the link by what it should point to",
    errno.ENAMETOOLONG: "choose shorter names",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "raise the limit of open files",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for; the list and its help come from a table."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in the order of the chain."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"edgewright.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The overview, without importing any command."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

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
@click.option(
    "--output",
    "-o",
    type=click.Choice(["text", "json"]),
    callback=note_output,
    is_eager=True,
    envvar="EDGEWRIGHT_OUTPUT",
    expose_value=False,
    help="Form of results and errors.  [default: text]",
)
@click.option(
    "--debug", is_flag=True, callback=note_debug, expose_value=False, help="Show the traceback of a bug in edgewright."
)
def cli() -> None:
    """Compile blueprints of small language models into signed releases, and roll them out to edge devices."""


def _report_bug(error: BaseException, invocation: Invocation) -> int:
    import traceback
    from datetime import UTC, datetime

    from edgewright.kernel.resources import cache_folder

    if invocation.debug:
        traceback.print_exception(error)
    path = cache_folder() / "crashes" / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{os.getpid()}.txt"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(traceback.format_exception(error)), encoding="utf-8", errors="backslashreplace")
        where = f"details are in {path}"
    except OSError:
        where = "run it again as `edgewright --debug …` for details"
    headline = f"{type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else 'no message'}"
    with suppress(OSError):
        click.echo(f"error: bug  edgewright failed: {headline}\n  = note: {where}", err=True)
    return 1


def _report(error: Exception, invocation: Invocation) -> int:
    """Print an error that ended a command, and give its exit code."""
    from edgewright.cli.output.findings import Findings
    from edgewright.cli.output.report import print_report, write_reports
    from edgewright.kernel.diagnostics import Diagnostic, EdgewrightError, ExitCode

    if isinstance(error, FileNotFoundError) and error.filename is None:  # of the process itself
        hint = "go to a folder that exists, and run the command again"
        error = EdgewrightError(
            Diagnostic("file-system", "the current folder was removed", hint=hint), exit_code=ExitCode.MISSING
        )
    if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE:
        where = str(error.filename) if error.filename else "a file, or the output"
        message = f"{where}: {(error.strerror or str(error)).lower()}"
        hint = f"{_MENDED_BY.get(error.errno, 'free space, or mend the permissions')}, and run the command again"
        error = EdgewrightError(
            Diagnostic("file-system", message, subject=where, hint=hint), exit_code=ExitCode.MISSING
        )
    if not isinstance(error, EdgewrightError):
        return _report_bug(error, invocation)
    findings = Findings(error.diagnostics, root=invocation.repository)
    print_report(invocation.output, findings)
    write_reports(invocation.take_reports(), findings)
    return int(error.exit_code)


def _end(error: Exception, invocation: Invocation) -> int:
    """Report an error; what goes wrong in that is reported too, on stderr, and what is no diagnostic is a bug."""
    from edgewright.kernel.diagnostics import EdgewrightError, ExitCode

    for _ in range(2):
        try:
            return _report(error, invocation)
        except BrokenPipeError:
            return _reader_gone()
        except EdgewrightError as second:
            error = second
        except OSError as second:  # a full disk under stdout, say
            error, invocation.output = second, "text"
        except Exception as bug:  # noqa: BLE001 - the boundary
            return _report_bug(bug, invocation)
    return ExitCode.MISSING  # nothing can be said anywhere


def _reader_gone() -> int:
    """Be quiet: the interpreter would complain when it flushes what nobody reads."""
    from edgewright.kernel.diagnostics import ExitCode

    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return ExitCode.READER_GONE


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code; the only place where errors end."""
    invocation = Invocation()
    try:
        result = cli.main(args=list(arguments), prog_name="edgewright", standalone_mode=False, obj=invocation)
    except click.exceptions.Exit as exit_request:
        return exit_request.exit_code
    except SystemExit:  # click's way to end when whoever reads the output has gone; commands end otherwise
        return _reader_gone()
    except click.ClickException as usage:
        with suppress(OSError):
            usage.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        with suppress(OSError):
            click.echo("interrupted", err=True)
        return 130
    except Exception as error:  # noqa: BLE001 - the boundary
        return _end(error, invocation)
    return result if isinstance(result, int) else 0


def _open_streams() -> None:
    """Give what was closed by the caller (`>&-`) a place: the next file opened would be taken for it."""
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            if descriptor != number:
                os.dup2(descriptor, number)
                os.close(descriptor)
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8"))


def main() -> NoReturn:
    """Entry of the console script."""
    _open_streams()
    gc.set_threshold(200_000, 20, 20)  # documents are many small objects without cycles: looking often costs a tenth
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
