"""What a change asks for next, for every class of change; and the lines that a merge pipeline reads."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from tests.unit.plan.test_rendering import CHANGE

from edgewright.cli.output.plan_markdown import render_markdown
from edgewright.cli.output.plan_words import headline, step
from edgewright.kernel.diagnostics import Severity, Span
from edgewright.plan.change import ChangeClass, ChangePlan, NextStep
from edgewright.plan.step import next_step, step_lines, version_not_raised

PLACE = Span("blueprints/search.yaml", 4, 12, 4, 17)
HELD = [
    ChangeClass.NEW,
    ChangeClass.WEIGHTS,
    ChangeClass.TOKENIZER,
    ChangeClass.RECIPE,
    ChangeClass.RUNTIME,
    ChangeClass.SERVICE,
    ChangeClass.VERSION,
]
NOT_HELD = [ChangeClass.REMOVED, ChangeClass.TARGET, ChangeClass.GATES, ChangeClass.ROLLOUT, ChangeClass.FLEET]


def test_every_class_is_in_a_release_or_is_not() -> None:
    assert {*HELD, *NOT_HELD} == set(ChangeClass)


@pytest.mark.parametrize("kind", ChangeClass)
def test_another_version_is_a_release_whatever_else_changes(kind: ChangeClass) -> None:
    assert next_step("1.0.0", "1.1.0", (kind,)) is NextStep.RELEASE
    assert next_step(None, "1.0.0", (kind,)) is NextStep.RELEASE, "a new blueprint has no version before"


@pytest.mark.parametrize("kind", ChangeClass)
def test_a_lower_version_asks_for_a_higher_one(kind: ChangeClass) -> None:
    assert next_step("1.10.0", "1.9.9", (kind,)) is NextStep.RAISE_VERSION
    found = version_not_raised("search", "1.10.0", "1.9.9", (kind,), PLACE)
    assert found.message == "the version of search falls from 1.10.0 to 1.9.9"
    assert found.hint == "raise metadata.version above 1.10.0, also to go back: devices refuse a lower release"


@pytest.mark.parametrize("kind", HELD)
def test_what_a_release_holds_needs_another_version(kind: ChangeClass) -> None:
    assert next_step("1.0.0", "1.0.0", (kind,)) is NextStep.RAISE_VERSION
    assert next_step("1.0.0", "1.0.0", (kind, ChangeClass.FLEET)) is NextStep.RAISE_VERSION


@pytest.mark.parametrize("kind", NOT_HELD)
def test_what_no_release_holds_goes_out_with_the_release_there_is(kind: ChangeClass) -> None:
    assert next_step("1.0.0", "1.0.0", (kind,)) is NextStep.RECONCILE


def test_a_removed_blueprint_and_an_empty_change_ask_for_nothing() -> None:
    assert next_step("1.0.0", None, (ChangeClass.REMOVED,)) is NextStep.NONE
    assert next_step("1.0.0", "1.0.0", ()) is NextStep.NONE


def test_the_diagnostic_names_what_the_release_holds_and_nothing_else() -> None:
    classes = {ChangeClass.FLEET, ChangeClass.SERVICE, ChangeClass.NEW, ChangeClass.VERSION}
    found = version_not_raised("search", "2.0.0", "2.0.0", classes, PLACE)
    assert (found.slug, found.severity, found.span) == ("version-not-raised", Severity.WARNING, PLACE)
    assert found.message == (
        "the version of search is still 2.0.0, although the release changes: "
        "a new target, service options, how long a release may be installed"
    )
    assert found.hint == "raise metadata.version: devices that run 2.0.0 would not take the change"


def _with(step_of_search: NextStep) -> ChangePlan:
    weights, fleet_only = CHANGE.blueprints
    return replace(CHANGE, blueprints=(weights, replace(fleet_only, step=step_of_search)))


def test_lines_are_those_of_one_environment_sorted_by_name() -> None:
    assert step_lines(CHANGE, None) == "reconcile search 2.0.0\n"
    assert step_lines(CHANGE, "production") == "reconcile search 2.0.0\nrelease store-assistant 1.1.0\n"
    assert step_lines(CHANGE, "elsewhere") == ""
    assert re.fullmatch(r"([a-z]+ [a-z0-9-]+ [A-Za-z0-9.+!-]+\n)*", step_lines(CHANGE, "production"))


@pytest.mark.parametrize("kept", [NextStep.RAISE_VERSION, NextStep.NONE])
def test_what_is_not_to_be_done_has_no_line(kept: NextStep) -> None:
    assert step_lines(_with(kept), None) == ""


def test_a_version_to_raise_is_said_in_the_first_line_and_stands_out_in_the_comment() -> None:
    found = _with(NextStep.RAISE_VERSION)
    assert headline(found).endswith(", 1 version to raise")
    assert step(found.blueprints[1]) == "raise-version"
    [row] = [line for line in render_markdown(found).splitlines() if line.startswith("| <code>search")]
    assert row.endswith("| **raise-version** |")
    assert "to raise" not in headline(CHANGE)
