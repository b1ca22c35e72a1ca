"""`edgewright explain SLUG`: the page of a rule."""

from __future__ import annotations

import click

from edgewright.check.pages import page, pages
from edgewright.cli.output.tables import print_table


@click.command("explain")
@click.argument("slug", required=False)
def command(slug: str | None) -> None:
    """Explain a diagnostic by its slug; without one, list all slugs that have a page."""
    if slug is None:
        print_table(["slug"], [[name] for name in sorted(pages())])
        return
    click.echo(page(slug))
