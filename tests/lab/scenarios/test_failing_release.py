"""A release that fails on a device goes no further and leaves nothing of itself in its wave."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.lab.harness.host import Host
from tests.lab.scenarios.conftest import Prepare, World
from tests.lab.scenarios.device import BLUEPRINT

pytestmark = pytest.mark.lab

DROP_IN = f"/etc/systemd/system/edgewright-{BLUEPRINT}.service.d/small.conf"
MIB = 1 << 20


@pytest.fixture
def small_device(world: World) -> Iterator[Host]:
    """A host that gives the service less memory than the others do: enough for the old model."""
    host = world.lab.host("shop-03")
    host.start()
    host.write(DROP_IN, "[Service]\nMemoryMax=64M\n")
    host.run(["systemctl", "daemon-reload"])
    yield host
    host.run(["rm", "-f", DROP_IN])
    host.run(["systemctl", "daemon-reload"])


def test_a_bad_release_stops_in_the_canary_and_touches_no_other_device(prepare: Prepare) -> None:
    scenario = prepare(["shop-01", "shop-02", "shop-03"], artifact={"wrong": True})
    mates = [scenario.device(name) for name in ("shop-02", "shop-03")]
    untouched = [mate.look() for mate in mates]

    ended = scenario.repository.run("rollout")
    assert ended.exit_code == 5, ended
    assert ended.verdict == "rolled-back"
    assert ended.slugs["shop-01"] == "vector-mismatch"
    assert ended.statuses == {"shop-01": "failed", "shop-02": "pending", "shop-03": "pending"}
    canary = scenario.device("shop-01").look()
    assert canary.current == canary.confirmed == scenario.before["shop-01"]
    assert canary.state["denied"][str(scenario.number)]["slug"] == "health-failed"
    assert [mate.look() for mate in mates] == untouched
    assert scenario.serving() == scenario.before

    again = scenario.repository.run("rollout")
    assert (again.exit_code, list(again.slugs.values())) == (5, ["release-denied"])
    assert [mate.look() for mate in mates] == untouched


def test_a_failure_in_wave_two_takes_its_healthy_and_confirmed_mate_back_too(
    prepare: Prepare, small_device: Host
) -> None:
    """One device at a time, so that its mate is confirmed already when shop-03 runs out of memory."""
    scenario = prepare(
        ["shop-01", "shop-02", "shop-03", "shop-04"],
        artifact={"heap_bytes": 160 * MIB},
        rollout={"maxUnavailable": 1},
    )
    untouched = scenario.device("shop-04").look()
    ended = scenario.repository.run("rollout")
    assert ended.exit_code == 5, ended
    assert ended.verdict == "rolled-back"
    assert ended.statuses == {
        "shop-01": "confirmed",
        "shop-02": "rolled-back",
        "shop-03": "failed",
        "shop-04": "pending",
    }
    assert ended.slugs["shop-03"] == "service-unhealthy"
    assert scenario.repository.told()["shop-02"]["confirm"] == 1, "it was not confirmed before it was taken back"
    expected = {**scenario.before, "shop-01": scenario.number}
    assert scenario.current() == scenario.confirmed() == scenario.serving() == expected
    assert scenario.device("shop-04").look() == untouched


def test_a_person_takes_a_release_back_and_it_stays_denied_until_it_is_lifted(prepare: Prepare) -> None:
    scenario = prepare(["shop-04", "shop-05"], rollout={"waves": ["100%"]})
    names = {"shop-04", "shop-05"}
    assert scenario.repository.run("rollout").verdict == "confirmed"
    assert set(scenario.serving().values()) == {scenario.number}

    recalled = scenario.repository.run("rollback")
    assert recalled.exit_code == 0, recalled
    assert recalled.statuses == dict.fromkeys(names, "rolled-back")
    assert scenario.current() == scenario.confirmed() == scenario.serving() == scenario.before
    refused = scenario.repository.run("rollout")
    assert (refused.exit_code, list(refused.slugs.values())) == (5, ["release-denied"])
    lifted = scenario.repository.run("rollout", "--lift")
    assert (lifted.exit_code, lifted.verdict) == (0, "confirmed"), lifted
    assert set(scenario.serving().values()) == {scenario.number}
