"""A change drawn for a terminal: one line, then a block for every blueprint that changes."""

from __future__ import annotations

import click

from edgewright.cli.output import plan_words as words
from edgewright.cli.output.plan_waves import named_sites, print_waves
from edgewright.cli.output.tables import print_table
from edgewright.cli.output.terminal import plain
from edgewright.plan.change import BlueprintChange, ChangePlan
from edgewright.plan.reach import Sample


def print_change(plan: ChangePlan) -> None:
    """Print to stdout. Text of files and revisions cannot move the cursor."""
    click.echo(f"{plain(words.revision(plan.base))} → {plain(words.revision(plan.head))}: {words.headline(plan)}")
    for note in plan.notes:
        click.echo(f"note: {plain(note)}")
    for change in plan.blueprints:
        click.echo()
        _print_blueprint(change, words.places(change, plan))
    click.echo()
    click.echo(f"not touched: {words.untouched(plan)}")
    if plan.untouched_blueprints.count:
        click.echo(f"  {plain(words.sample(plan.untouched_blueprints))}")


def _print_blueprint(change: BlueprintChange, places: str) -> None:
    title = f"{change.name} {words.versions(change)}{places}: {words.classes(change.classes)}"
    rows = [
        [
            cohort.target,
            words.classes(cohort.classes),
            words.artifacts(cohort),
            f"{cohort.devices.touched:,} of {cohort.devices.total:,}",
            words.wire(cohort),
            words.marked(cohort.headroom),
        ]
        for cohort in change.cohorts
    ]
    columns = ["target", "change", "artifact", "devices", "wire per device", "disk headroom"]
    print_table(columns, rows, title=title)
    for note in change.notes:
        click.echo(f"note: {plain(note)}")
    _print_figures(change)
    print_waves(change.waves)
    if change.sites:
        click.echo(f"sites: {named_sites(change.sites, change.site_count)}")
    for name, found in _device_groups(change):
        click.echo(f"devices {name}: {plain(words.sample(found))}")
    if change.wire_total is not None and change.touched:
        click.echo(f"over the wire: {words.marked(change.wire_total)}, {change.wire_total.origin}")
    if change.duration is not None:
        click.echo(f"roll-out: {words.time_of(change.duration)}, {change.duration.formula}")
    click.echo(f"next: {words.step(change)}")


def _print_figures(change: BlueprintChange) -> None:
    rows = [
        [
            cohort.target,
            figure.name,
            words.marked(figure.before),
            words.marked(figure.after),
            words.gate(figure),
            words.origins(figure),
        ]
        for cohort in change.cohorts
        for figure in words.figures(cohort)
    ]
    if rows:
        print_table(["target", "number", "before", "after", "gate", "from"], rows)


def _device_groups(change: BlueprintChange) -> list[tuple[str, Sample]]:
    found = change.devices
    groups = [
        ("added", found.added),
        ("removed", found.removed),
        ("retargeted", found.retargeted),
        ("with other settings", found.changed),
    ]
    return [(name, sample) for name, sample in groups if sample.count]
