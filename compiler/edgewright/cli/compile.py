"""`edgewright compile`: the chain from documents to a signed release and its Ansible project."""

from __future__ import annotations

from pathlib import Path

import click

from edgewright.cli.arguments import (
    Invocation,
    blueprint_option,
    environment_option,
    repository_argument,
    signing_key_option,
)
from edgewright.cli.chain import Session
from edgewright.cli.output.diagnostics import print_diagnostics
from edgewright.cli.output.progress import ProgressLines
from edgewright.cli.releasing import package, render_project
from edgewright.cli.revisions import source_of
from edgewright.kernel.diagnostics import EdgewrightError, ExitCode
from edgewright.package.signing import find_signer
from edgewright.package.trust import require_trusted


@click.command("compile")
@repository_argument
@blueprint_option
@environment_option
@signing_key_option
@click.option("--revision", metavar="REV", help="Compile a branch, tag or commit, not the working tree.")
@click.option("--allow-dirty", is_flag=True, help="Compile the working tree though it has changes.")
@click.option("--verbose", is_flag=True, help="Name what was taken from the cache, too.")
@click.pass_obj
def command(
    invocation: Invocation,
    repository: Path,
    blueprints: tuple[str, ...],
    environment: str | None,
    signing_key: Path | None,
    revision: str | None,
    allow_dirty: bool,
    verbose: bool,
) -> None:
    """Check, plan, build, evaluate, package and render every blueprint of REPOSITORY, into dist/.

    In Git, what is compiled is a commit, and the release names it. A red gate stops its blueprint and no other; then
    the exit code is 4.
    """
    source = source_of(repository, revision, allow_dirty=allow_dirty)
    invocation.repository = source.folder  # what messages quote
    progress = ProgressLines(show_cached=verbose)
    session = Session(
        source.folder, blueprints, progress, results=repository, environment=environment, commit=source.checked
    )
    print_diagnostics(session.warnings, roots=[source.folder])
    signer = find_signer(signing_key)
    require_trusted(session.root, signer)
    plans = [(loaded, session.plan(loaded)) for loaded in session.blueprints]
    failures: list[EdgewrightError] = []
    for loaded, plan in plans:
        try:
            evaluated = session.evaluate(plan)
            session.require_facts(loaded)
            session.require_green(loaded, evaluated)
            package(session, loaded, plan, evaluated, signer, source.commit)
            render_project(session, loaded)
        except EdgewrightError as failure:
            failures.append(failure)
        else:
            name, version = loaded.document.metadata.name, loaded.document.metadata.version
            click.echo(f"{name} {version}: {session.dist(loaded.document)}")
    if failures:
        diagnostics = [d for failure in failures for d in failure.diagnostics]
        raise EdgewrightError(*diagnostics, exit_code=ExitCode(max(f.exit_code for f in failures)))
