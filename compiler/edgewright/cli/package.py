"""`edgewright package`: write the signed release of every blueprint whose gates are green."""

from __future__ import annotations

from pathlib import Path

import click

from edgewright.cli.arguments import blueprint_option, environment_option, repository_argument, signing_key_option
from edgewright.cli.chain import Session
from edgewright.cli.output.diagnostics import print_diagnostics
from edgewright.cli.output.progress import ProgressLines
from edgewright.cli.releasing import commit_of, package
from edgewright.package.signing import find_signer
from edgewright.package.trust import require_trusted


@click.command("package")
@repository_argument
@blueprint_option
@environment_option
@signing_key_option
def command(repository: Path, blueprints: tuple[str, ...], environment: str | None, signing_key: Path | None) -> None:
    """Package the releases of REPOSITORY into dist/."""
    session = Session(repository, blueprints, ProgressLines(), environment=environment)
    print_diagnostics(session.warnings, roots=[repository])  # wrong documents are said before a missing key
    signer = find_signer(signing_key)
    require_trusted(session.root, signer)
    commit = commit_of(session.root)
    for loaded in session.blueprints:
        plan = session.plan(loaded)
        evaluated = session.evaluate(plan)
        session.require_green(loaded, evaluated)
        package(session, loaded, plan, evaluated, signer, commit)
        click.echo(f"{loaded.document.metadata.name}: {session.dist(loaded.document)}")
