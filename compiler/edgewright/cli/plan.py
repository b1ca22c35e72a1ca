"""`edgewright plan`: what a compile would do, action by action, and the estimates of what comes out."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from edgewright.check.rule import Subject
from edgewright.check.rules import budget
from edgewright.cli.arguments import blueprint_option, output_option, repository_argument
from edgewright.cli.chain import Session
from edgewright.cli.output.progress import ProgressLines
from edgewright.cli.output.tables import print_table
from edgewright.kernel.units import format_duration, format_size
from edgewright.load.documents import Loaded
from edgewright.plan.actions import Action
from edgewright.spec.v1beta1.blueprint import Blueprint


@click.command("plan")
@repository_argument
@blueprint_option
@output_option
def command(repository: Path, blueprints: tuple[str, ...], output: str) -> None:
    """Show what compiling REPOSITORY would run, what is in the store already, and estimates with their formula."""
    session = Session(repository, blueprints, ProgressLines())
    plans = [session.plan(loaded) for loaded in session.blueprints]
    found = {plan.blueprint.metadata.name: [_state(session, action) for action in plan.actions] for plan in plans}
    if output == "json":
        click.echo(json.dumps({name: [asdict(state) for state in states] for name, states in found.items()}, indent=2))
        return
    for loaded in session.blueprints:
        name = loaded.document.metadata.name
        rows = [
            [
                state.kind,
                state.subject,
                "to run" if state.took_s is None else f"in store (took {format_duration(state.took_s)})",
                state.key[7:19],
            ]
            for state in found[name]
        ]
        to_run = sum(state.took_s is None for state in found[name])
        print_table(["action", "subject", "state", "key"], rows, title=f"{name}: {to_run} to run")
        _print_estimates(session, loaded)


@dataclass(frozen=True, slots=True)
class ActionState:
    """An action of a plan, and how long it took when its result is in the store."""

    kind: str
    subject: str
    key: str
    determinism: str
    took_s: float | None


def _state(session: Session, action: Action) -> ActionState:
    result = session.store.result(action.key)
    seconds = result.seconds if result else None
    return ActionState(action.kind, action.subject, action.key, action.determinism, seconds)


def _print_estimates(session: Session, loaded: Loaded[Blueprint]) -> None:
    subject = Subject(loaded, session.repository, session.registry)
    facts = session.facts(loaded) or budget.declared_facts(subject)
    if facts is None:
        return
    rows = []
    for variant, found in budget.estimates(subject, facts):
        target, recipe = variant.request.target_name, variant.request.recipe.name
        for item in found:
            value = f"{item.value:.0f} tokens/s" if item.unit == "tokens/s" else format_size(item.value)
            rows.append([target, recipe, item.name, value, f"estimated from {facts.origin} facts", item.formula])
    click.echo()
    print_table(["target", "recipe", "what", "value", "kind", "formula"], rows)
