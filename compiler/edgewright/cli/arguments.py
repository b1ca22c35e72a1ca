"""Arguments that commands share, declared once, and the invocation that the error boundary reads them from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

_Function = TypeVar("_Function", bound=Callable[..., Any])
_FORMS = click.Choice(["text", "json"])


@dataclass(slots=True)
class Invocation:
    """What one run of the command line was asked, as far as the boundary has to know it to print errors."""

    repository: Path = Path()
    output: str = "text"
    debug: bool = False
    reports: tuple[tuple[str, Path], ...] = ()

    def take_reports(self) -> tuple[tuple[str, Path], ...]:
        """The reports to write, given once: an error in writing them is not written to them."""
        taken, self.reports = self.reports, ()
        return taken


def _invocation(context: click.Context) -> Invocation:
    return context.ensure_object(Invocation)


def _note_repository(context: click.Context, parameter: click.Parameter, value: Path) -> Path:
    del parameter
    _invocation(context).repository = value
    return value


def note_output(context: click.Context, parameter: click.Parameter, value: str | None) -> str:
    """Click callback: a command's own `--output` wins over that of the group."""
    del parameter
    invocation = _invocation(context)
    if value is not None:
        invocation.output = value
    return invocation.output


def _note_reports(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> None:
    """Remember the reports, so that they are written too when documents cannot even be loaded."""
    del parameter
    if not values:
        return
    from edgewright.cli.output.report import FORMS

    found = []
    for value in values:
        form, separator, path = value.partition("=")
        if form not in FORMS or not separator or not path:
            raise click.BadParameter(f"{value!r} is not FORM=FILE with one of {', '.join(FORMS)}")
        found.append((form, Path(path)))
    _invocation(context).reports = tuple(found)


def report_option(help_text: str) -> Callable[[_Function], _Function]:
    """Files that get a report of what was found, whatever is printed."""
    return click.option(
        "--report", multiple=True, metavar="FORM=FILE", callback=_note_reports, expose_value=False, help=help_text
    )


def note_debug(context: click.Context, parameter: click.Parameter, value: bool) -> bool:
    """Click callback of `--debug`."""
    del parameter
    _invocation(context).debug |= value
    return value


def repository_argument(function: _Function) -> _Function:
    """The fleet repository's folder; the current one when absent."""
    return click.argument(
        "repository",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path(),
        metavar="[REPOSITORY]",
        callback=_note_repository,
    )(function)


def blueprint_option(function: _Function) -> _Function:
    """Selects blueprints by name or glob; all of them when absent."""
    return click.option(
        "--blueprint",
        "-b",
        "blueprints",
        multiple=True,
        metavar="NAME",
        help="Only this blueprint, or those that match a glob (repeatable).",
    )(function)


def _require_name(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Refuse what can be no environment before it becomes part of a path."""
    del context, parameter
    if value is None:
        return None
    import re

    from edgewright.spec.base import NAME_PATTERN

    if re.fullmatch(NAME_PATTERN, value) is None:
        from edgewright.load.overlays import unknown_environment

        raise unknown_environment(value, ())
    return value


def environment_option(function: _Function) -> _Function:
    """Whose overlays are merged; none when absent."""
    return click.option(
        "--environment",
        "-e",
        envvar="EDGEWRIGHT_ENVIRONMENT",
        show_envvar=True,
        metavar="NAME",
        callback=_require_name,
        help="Merge the overlays of this environment.",
    )(function)


def output_option(function: _Function) -> _Function:
    """Form of the result on stdout; errors take the same form."""
    return click.option(
        "--output", "-o", type=_FORMS, callback=note_output, help="Form of the result.  [default: text]"
    )(function)


def signing_key_option(function: _Function) -> _Function:
    """The private SSH key that signs releases."""
    return click.option(
        "--signing-key",
        type=click.Path(path_type=Path, dir_okay=False),
        envvar="EDGEWRIGHT_SIGNING_KEY",
        show_envvar=True,
        help="Private SSH key that signs the release.",
    )(function)
