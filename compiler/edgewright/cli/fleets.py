"""What the commands that reach devices share: options, the choice of one blueprint, and the report at their end."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from edgewright.cli.places import dist_folder, ledger_file

if TYPE_CHECKING:
    from edgewright.kernel.diagnostics import Diagnostic
    from edgewright.rollout.controller import RolloutState
    from edgewright.rollout.session import RolloutSession

_Function = TypeVar("_Function", bound=Callable[..., Any])


def ledger_option(function: _Function) -> _Function:
    """Where the ledger is."""
    return click.option(
        "--ledger",
        type=click.Path(path_type=Path, dir_okay=False),
        envvar="EDGEWRIGHT_LEDGER",
        show_envvar=True,
        help="Ledger file; REPOSITORY/.edgewright/[ENVIRONMENT/]ledger.db when absent.",
    )(function)


def on_option(function: _Function) -> _Function:
    """Which devices."""
    return click.option(
        "--on",
        "on",
        multiple=True,
        metavar="SELECTOR",
        help="Only these devices: name glob, @site, target=NAME, label=VALUE; commas and repeats add.",
    )(function)


def duration(context: click.Context, parameter: click.Parameter, value: str) -> float:
    """Click callback for `90s`, `10m`."""
    from edgewright.kernel.units import parse_duration

    del context
    try:
        return parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error), param=parameter) from None


def ledger_path(repository: Path, ledger: Path | None, environment: str | None = None) -> Path:
    """The ledger of a repository, or of one of its environments. Raises for an environment that there is not."""
    path = ledger or ledger_file(repository, environment)
    if ledger is None and environment is not None and not path.is_file():
        from edgewright.load.overlays import environments_of, unknown_environment
        from edgewright.load.tree import find_candidates, require_folder

        require_folder(repository)
        known = environments_of(candidate.path for candidate in find_candidates(repository))
        if environment not in known:
            raise unknown_environment(environment, known)
    return path


@contextmanager
def open_sessions(
    repository: Path,
    blueprints: tuple[str, ...],
    ledger: Path | None,
    wait_s: float = 0.0,
    *,
    environment: str | None = None,
) -> Iterator[list[RolloutSession]]:
    """A session for every chosen blueprint, over one open ledger."""
    from edgewright.cli.output.progress import ProgressLines
    from edgewright.load.documents import load_repository
    from edgewright.rollout.ledger import Ledger
    from edgewright.rollout.session import RolloutSession

    root = repository.resolve()
    loaded = load_repository(root, selectors=blueprints, environment=environment)
    opened = Ledger(Path(os.path.realpath(ledger_path(root, ledger, environment))))
    try:
        progress = ProgressLines()
        sessions = []
        for name, blueprint in sorted(loaded.blueprints.items()):
            fleet, dist = loaded.fleet_of(blueprint), dist_folder(root, name, environment)
            sessions.append(
                RolloutSession(
                    root, blueprint.document, fleet.document, dist, opened, progress, wait_s, sites=fleet.sites
                )
            )
        yield sessions
    finally:
        opened.close()


def finish(states: list[RolloutState], output: str, *, recalled: bool = False) -> None:
    """Print what became of each roll-out; raise when one did not end well.

    A roll-out that a person `recalled` ended well when nobody is left on it.
    """
    import json
    from collections import Counter
    from dataclasses import asdict

    from edgewright.kernel.diagnostics import EdgewrightError, ExitCode

    judged = [state for state in states if not recalled or any(d.status == "leave" for d in state.devices.values())]
    found = [diagnostic for state in judged for diagnostic in _diagnostics(state)]
    if output == "json":
        documents = [_as_json(state) for state in states]
        click.echo(json.dumps({"rollouts": documents, "diagnostics": [asdict(d) for d in found]}, indent=2))
        if found:
            raise click.exceptions.Exit(int(ExitCode.ROLLOUT))  # the diagnostics are in the result
        return
    for state in states:
        counts = Counter(device.status.value for device in state.devices.values())
        summary = ", ".join(f"{number} {status}" for status, number in sorted(counts.items()))
        click.echo(f"{state.plan.blueprint} {state.plan.version}: {state.verdict} ({summary})")
        if state.verdict == "waiting":
            away = ", ".join(name for name, device in state.devices.items() if device.is_away)
            click.echo(f"absent and waited for: {away}; `edgewright rollout --resume` delivers to them later", err=True)
    if found:
        raise EdgewrightError(*found, exit_code=ExitCode.ROLLOUT)


def _diagnostics(state: RolloutState) -> list[Diagnostic]:
    """What went wrong, each device named; empty for a roll-out that ended well or waits."""
    from edgewright.kernel.diagnostics import Diagnostic
    from edgewright.rollout.session import complaints

    if state.verdict not in {"paused", "rolled-back"}:
        return []
    taken_back = tuple(name for name, device in state.devices.items() if device.status.value == "rolled-back")
    return [
        *(Diagnostic(slug, message, subject=name, hint=hint) for name, slug, message, hint in complaints(state)),
        Diagnostic(
            f"rollout-{state.verdict}",
            f"{state.plan.blueprint} {state.plan.version} is {state.verdict}",
            notes=(f"taken back: {', '.join(taken_back)}",) if taken_back else (),
            hint="edgewright status shows every device",
        ),
    ]


def _as_json(state: RolloutState) -> dict[str, Any]:
    wave_of = {device.name: device.wave for device in state.plan.devices}
    return {
        "blueprint": state.plan.blueprint,
        "release": state.plan.release,
        "version": state.plan.version,
        "verdict": state.verdict,
        "waves": [{"name": wave.name, "devices": list(wave.devices)} for wave in state.plan.waves],
        "devices": {
            name: {
                "status": device.status.value,
                "wave": wave_of[name],
                "away": device.is_away,
                "slug": device.slug,
                "message": device.message,
            }
            for name, device in state.devices.items()
        },
    }
