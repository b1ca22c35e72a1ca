"""`edgewright lock`: resolve every name that a blueprint uses to a digest, into a file that is reviewed like code."""

from __future__ import annotations

from pathlib import Path

import click

from edgewright.cli.arguments import blueprint_option, environment_option, repository_argument
from edgewright.cli.chain import Session
from edgewright.cli.output.progress import ProgressLines
from edgewright.kernel.resources import cache_folder
from edgewright.kernel.units import format_size
from edgewright.lock.resolve import lock_path, resolve_lock, write_lock


@click.command("lock")
@repository_argument
@blueprint_option
@environment_option
@click.option("--check", "check_only", is_flag=True, help="Only say whether the locks are current; change nothing.")
def command(repository: Path, blueprints: tuple[str, ...], environment: str | None, check_only: bool) -> None:
    """Write the lock of every blueprint of REPOSITORY beside it.

    An environment has a lock of its own, below overlays/, for a blueprint of which it asks for something else.
    """
    session = Session(repository, blueprints, ProgressLines(), environment=environment)
    for loaded in session.blueprints:
        blueprint = loaded.document
        place = session.lock_file(loaded)
        if check_only or (environment is not None and place == lock_path(loaded)):
            session.lock(loaded)
            click.echo(f"{session.repository.locks[blueprint.metadata.name].path} is current")
            continue
        lock = resolve_lock(
            session.repository, blueprint, session.registry, cache_folder() / "downloads", session.events
        )
        write_lock(session.root / place, lock)
        size = sum(file.size for entry in lock.spec.entries for file in entry.files)
        click.echo(f"{place}: {len(lock.spec.entries)} entries, {format_size(size)}")
