"""`edgewright explain SLUG`: the page of a diagnostic."""

from __future__ import annotations

import json

import click

from edgewright.check.pages import page, pages
from edgewright.cli.arguments import output_option


@click.command("explain")
@click.argument("slug", required=False)
@output_option
def command(slug: str | None, output: str) -> None:
    """Explain a diagnostic by its slug; without one, list every slug that has a page."""
    if output == "json":
        click.echo(json.dumps({name: page(name) for name in sorted(pages()) if slug in (None, name)}, indent=2))
    elif slug is None:
        click.echo("\n".join(sorted(pages())))
    else:
        click.echo(page(slug), nl=False)
