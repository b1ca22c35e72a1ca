"""`edgewright migrate`: rewrite documents in the newest API version, in place, with their comments."""

from __future__ import annotations

from pathlib import Path

import click

from edgewright.cli.arguments import repository_argument


@click.command("migrate")
@repository_argument
@click.option("--check", "check_only", is_flag=True, help="Write nothing; exit 6 when something would change.")
@click.option("--to", "version", default="v1beta1", metavar="VERSION", help="Version to write.  [default: v1beta1]")
def command(repository: Path, check_only: bool, version: str) -> int:
    """Rewrite the documents of REPOSITORY in the newest API version, and print what changed.

    Comments, order and quotes stay. Nothing is written while any document is wrong.
    """
    from edgewright.kernel.beneath import replace_beneath
    from edgewright.kernel.diagnostics import EdgewrightError, ExitCode, did_you_mean, fail
    from edgewright.load.migration import migrate
    from edgewright.load.tree import find_candidates, require_folder
    from edgewright.spec.versions import SERVED, short

    served = {short(name): name for name in SERVED}
    to = served.get(version.removeprefix("edgewright/"))
    if to is None:
        hint = did_you_mean(version, served)
        raise fail("unknown-api-version", f"{version!r} is not served", exit_code=ExitCode.USAGE, hint=hint)
    require_folder(repository)
    changed: list[tuple[str, bytes, bytes]] = []
    problems = []
    for candidate in find_candidates(repository):
        if candidate.problem is not None:
            problems.append(candidate.problem)
        elif candidate.is_document:
            after, found = migrate(candidate.data, candidate.path, to)
            problems += found
            if after is not None and after != candidate.data:
                changed.append((candidate.path, candidate.data, after))
    if problems:
        raise EdgewrightError(*problems)
    for path, before, after in changed:
        if not check_only:
            replace_beneath(repository, path, after)
        click.echo(_difference(path, before, after), nl=False)
    _say(len(changed), check_only, short(to))
    return ExitCode.CHANGES if changed and check_only else ExitCode.OK


def _difference(path: str, before: bytes, after: bytes) -> str:
    import difflib

    old, new = (data.decode("utf-8").splitlines(keepends=True) for data in (before, after))
    lines = difflib.unified_diff(old, new, f"a/{path}", f"b/{path}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _say(count: int, check_only: bool, version: str) -> None:
    if not count:
        click.echo(f"every document is in {version}", err=True)
        return
    verb = "would change" if check_only else "changed"
    click.echo(f"{count} {'document' if count == 1 else 'documents'} {verb}", err=True)
