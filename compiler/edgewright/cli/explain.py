"""`edgewright explain SLUG`: the page of a diagnostic; without a slug, what each of them is about."""

from __future__ import annotations

import json

import click

from edgewright.check.pages import catalogue, page
from edgewright.cli.arguments import output_option
from edgewright.cli.output.pages import print_page, print_summaries, summary_of


@click.command("explain")
@click.argument("slug", required=False)
@output_option
def command(slug: str | None, output: str) -> None:
    """Explain a diagnostic by its slug; without one, list every slug with what it is about."""
    if output == "json":
        texts = {name: found.text for name, found in catalogue().items()} if slug is None else {slug: page(slug)}
        click.echo(json.dumps(texts, indent=2))
    elif slug is None:
        print_summaries({name: summary_of(name, found) for name, found in catalogue().items()})
    else:
        print_page(page(slug))
