"""Arguments that commands share, declared once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

_Function = TypeVar("_Function", bound=Callable[..., Any])


def repository_argument(function: _Function) -> _Function:
    """The fleet repository's folder; the current one when absent."""
    return click.argument(
        "repository", type=click.Path(path_type=Path, file_okay=False), default=Path(), metavar="[REPOSITORY]"
    )(function)


def blueprint_option(function: _Function) -> _Function:
    """Selects blueprints by name; all of them when absent."""
    return click.option(
        "--blueprint", "-b", "blueprints", multiple=True, metavar="NAME", help="Only this blueprint (repeatable)."
    )(function)


def output_option(function: _Function) -> _Function:
    """Form of the result on stdout."""
    return click.option(
        "--output", "-o", type=click.Choice(["text", "json"]), default="text", help="Form of the result."
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
