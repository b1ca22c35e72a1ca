"""`edgewright show`: a document as the compiler sees it, merged and with its defaults; and where each value is from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgewright.cli.arguments import environment_option, output_option, repository_argument

if TYPE_CHECKING:
    from edgewright.load.documents import Loaded, Repository
    from edgewright.load.provenance import Leaf

_WORDS = {"CompressionPolicy": "policy"}
_KINDS = {"blueprint": "Blueprint", "fleet": "Fleet", "compressionpolicy": "CompressionPolicy", "target": "Target"}


@click.command("show")
@click.argument("name", metavar="BLUEPRINT")
@repository_argument
@environment_option
@click.option("--origin", "with_origin", is_flag=True, help="Show the file and line of every value.")
@output_option
def command(name: str, repository: Path, environment: str | None, with_origin: bool, output: str) -> None:
    """Print BLUEPRINT and the compression policies that it names: overlays merged, defaults marked.

    fleet/NAME, compressionpolicy/NAME and target/NAME print other documents.
    """
    import json

    from edgewright.cli.output.leaves import yaml_lines
    from edgewright.load.documents import load_repository
    from edgewright.load.provenance import leaves

    loaded = load_repository(repository, keep_problems=True, environment=environment)
    documents = [(found, list(leaves(found))) for found in _chosen(loaded, name)]
    if output == "json":
        click.echo(json.dumps([_json(found, parts) for found, parts in documents], indent=2, ensure_ascii=False))
        return
    for index, (found, parts) in enumerate(documents):
        if index:
            click.echo("---")
        said = [_origin(p, found) if with_origin else "default" if p.is_default else "" for p in parts]
        for line in yaml_lines(parts, said):
            click.echo(line)
        for part in found.sites if with_origin else ():
            click.echo(f"# goes before what the hosts at {part.site} say: {part.overlay}:{part.place.line}")


def _chosen(repository: Repository, name: str) -> list[Loaded[Any]]:
    from edgewright.kernel.diagnostics import EdgewrightError, ExitCode, Severity, did_you_mean, fail

    word, separator, rest = name.partition("/")
    kind, wanted = (_KINDS.get(word.lower()), rest) if separator else ("Blueprint", name)
    if kind is None:
        hint = did_you_mean(word, _KINDS)
        raise fail("unknown-kind", f"there is no kind {word!r} to show", exit_code=ExitCode.USAGE, hint=hint)
    shelf = repository.shelves
    found = shelf[kind].get(wanted)
    if found is None and ((kind, wanted) in repository.broken or repository.unread):
        raise EdgewrightError(*(p for p in repository.problems if p.severity is Severity.ERROR))
    if found is None:
        said = _WORDS.get(kind, kind.lower())
        message, hint = f"there is no {said} {wanted!r}", did_you_mean(wanted, shelf[kind])
        raise fail(f"unknown-{said}", message, exit_code=ExitCode.USAGE, subject=wanted, hint=hint)
    return [found, *(shelf["CompressionPolicy"][policy] for policy in _policies(found, repository))]


def _policies(found: Loaded[Any], repository: Repository) -> list[str]:
    """Names of the compression policies that a blueprint ships by."""
    if found.document.kind != "Blueprint":
        return []
    spec = found.document.spec
    choices = [build.compression or spec.compression for build in spec.builds]
    names = dict.fromkeys(choice.policy for choice in choices if choice is not None)
    return [name for name in names if name is not None and name in repository.compression_policies]


def _origin(leaf: Leaf, found: Loaded[Any]) -> str:
    """`overlays/production/slow.yaml:7`, or `default`."""
    if leaf.is_default:
        return f"default, see {leaf.span.path}:{leaf.span.line}" if leaf.span is not None else "default"
    place = f"{leaf.span.path}:{leaf.span.line}" if leaf.span is not None else "unknown"
    is_converted = leaf.path == ("apiVersion",) and leaf.value != found.version
    return f"{place}, written in {found.version.split('/')[1]}" if is_converted else place


def _json(found: Loaded[Any], parts: list[Leaf]) -> dict[str, Any]:
    return {
        "kind": found.document.kind,
        "name": found.document.metadata.name,
        "files": [origin.path for origin in found.origins],
        "values": [
            {"path": list(leaf.path), "value": leaf.value, "default": leaf.is_default, "origin": _origin(leaf, found)}
            for leaf in parts
        ],
    }
