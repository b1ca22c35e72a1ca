"""What a compile would do, drawn for a terminal: actions, estimates, and the roll-out over the fleet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import click

from edgewright.check.rule import Subject
from edgewright.cli.output.plan_waves import named_sites, print_waves
from edgewright.cli.output.tables import print_table
from edgewright.cli.output.terminal import plain
from edgewright.kernel.units import format_duration, format_size
from edgewright.plan.reach import FleetSummary


@dataclass(frozen=True, slots=True)
class ActionState:
    """An action of a plan, and how long it took when its result is in the store."""

    kind: str
    subject: str
    key: str
    determinism: str
    took_s: float | None


def print_actions(name: str, states: Sequence[ActionState]) -> None:
    """The actions of a blueprint with their state."""
    rows = [
        [
            state.kind,
            state.subject,
            "to run" if state.took_s is None else f"in store (took {format_duration(state.took_s)})",
            state.key[7:19],
        ]
        for state in states
    ]
    to_run = sum(state.took_s is None for state in states)
    print_table(["action", "subject", "state", "key"], rows, title=f"{name}: {to_run} to run")


def print_estimates(subject: Subject) -> None:
    """Memory, disk and rate of every build, with the formula; nothing while the model's facts are not known."""
    facts = subject.known_facts
    if facts is None:
        return
    rows = []
    for estimated in subject.estimated:
        target, recipe = estimated.variant.request.target_name, estimated.variant.request.recipe.name
        for item in estimated.items:
            value = f"{item.value:.0f} tokens/s" if item.unit == "tokens/s" else format_size(item.value)
            rows.append([target, recipe, item.name, value, f"estimated from {facts.origin} facts", item.formula])
    click.echo()
    print_table(["target", "recipe", "what", "value", "kind", "formula"], rows)


def print_fleet(fleet: FleetSummary) -> None:
    """The waves of the roll-out and the sites it reaches."""
    click.echo()
    if fleet.unknown is not None:
        click.echo(f"devices are not known: {plain(fleet.unknown)}")
        return
    print_waves(fleet.waves)
    click.echo(f"{fleet.devices:,} devices at {named_sites(fleet.sites, fleet.site_count)}")
