"""A change of an overlay is a change where the overlay holds, and nowhere else."""

from __future__ import annotations

import pytest
from tests.e2e.plan_base.conftest import Fleet
from tests.e2e.plan_base.test_changes import bump

OVERLAY = """\
apiVersion: edgewright/v1beta1
kind: Overlay
metadata: {name: careful}
spec:
  patches:
    - kind: Blueprint
      name: semantic-*
      patch:
        spec: {rollout: {soak: %s}}
"""
SMALLER = """\
apiVersion: edgewright/v1beta1
kind: Overlay
metadata: {name: threads}
spec:
  patches:
    - kind: Blueprint
      name: semantic-*
      patch:
        metadata: {version: 1.2.0}
        spec: {service: {threads: 4}}
"""


@pytest.fixture
def varied(fleet: Fleet) -> Fleet:
    """The example with two environments."""
    fleet.git.commit(
        {"overlays/production/careful.yaml": OVERLAY % "1h", "overlays/staging/quick.yaml": OVERLAY % "1m"},
        "environments",
    )
    return fleet


def test_without_an_environment_all_of_them_are_compared(varied: Fleet) -> None:
    varied.git.write({"overlays/production/threads.yaml": SMALLER})
    change = varied.change()
    assert (change["environments"], change["classes"]) == (["production"], ["service options", "version"])
    assert varied.plan()["environments"] == ["production", "staging"]
    text = varied.run("plan", str(varied.root), "--base=main").stdout
    assert "semantic-search 1.0.0 → 1.2.0 in production: service options, version" in text


def test_what_is_the_same_everywhere_but_for_the_roll_out_is_told_for_each(varied: Fleet) -> None:
    varied.blueprint(bump)
    found = varied.plan()
    assert [change["environments"] for change in found["blueprints"]] == [[None], ["production"], ["staging"]]
    assert len({change["duration"]["least_s"] for change in found["blueprints"]}) == 3
    assert found["blueprint_totals"] == {"all": 1, "touched": 1}
    assert found["cohort_totals"] == {"all": 5, "touched": 5}
    assert found["device_totals"] == {"all": 7, "touched": 7}


def test_what_happens_alike_in_several_environments_is_told_once(varied: Fleet) -> None:
    varied.git.commit({"overlays/staging/quick.yaml": OVERLAY % "1h"})
    varied.blueprint(bump)
    found = varied.plan()
    assert [change["environments"] for change in found["blueprints"]] == [[None], ["production", "staging"]]


def test_one_environment_alone(varied: Fleet) -> None:
    varied.git.write({"overlays/production/threads.yaml": SMALLER})
    assert varied.plan("--environment=staging")["blueprints"] == []
    assert varied.change("--environment=production")["environments"] == ["production"]
    ended = varied.run("plan", str(varied.root), "--base=main", "--environment=prodution")
    assert (ended.exit_code, ended.slugs) == (2, ["unknown-environment"])


def test_a_new_environment_is_new(varied: Fleet) -> None:
    varied.git.write({"overlays/pilot/careful.yaml": OVERLAY % "2h"})
    change = varied.change()
    assert (change["environments"], change["classes"]) == (["pilot"], ["new"])
    assert varied.change("--environment=pilot")["classes"] == ["new"]
