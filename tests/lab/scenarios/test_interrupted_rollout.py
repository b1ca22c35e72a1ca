"""Devices and controllers that are gone for a while, or for ever."""

from __future__ import annotations

import time

import pytest
from tests.lab.harness.command import wait_until
from tests.lab.scenarios.conftest import Prepare
from tests.lab.scenarios.device import LabDevice

pytestmark = pytest.mark.lab

CONFIRM_TIMEOUT_S = 24


def await_current(device: LabDevice, number: int) -> None:
    wait_until(lambda: device.current() == number, f"{device.name} to run {number}", timeout_s=120, every_s=0.1)


def test_a_host_switched_off_during_the_rollout_waits_and_joins_when_it_is_back(prepare: Prepare) -> None:
    scenario = prepare(["shop-01", "shop-02", "shop-03"], rollout={"waves": [{"canary": "1 per target"}, "100%"]})
    away = scenario.device("shop-03")
    rollout = scenario.repository.start("rollout")
    await_current(scenario.device("shop-01"), scenario.number)
    away.host.kill()
    ended = rollout.end()
    assert ended.exit_code == 0, ended
    assert ended.verdict == "waiting"
    assert ended.statuses == {"shop-01": "confirmed", "shop-02": "confirmed", "shop-03": "absent"}
    status = scenario.repository.status()
    assert (status["shop-03"]["status"], status["shop-03"]["complaint"]) == ("absent", "unreachable")

    away.host.start()
    assert away.look().confirmed == scenario.before["shop-03"]
    done = {name: scenario.device(name).look() for name in ("shop-01", "shop-02")}
    resumed = scenario.repository.run("rollout", "--resume")
    assert (resumed.exit_code, resumed.verdict) == (0, "confirmed"), resumed
    assert {name: scenario.device(name).look() for name in done} == done, "a device was done twice"
    assert set(scenario.confirmed().values()) == set(scenario.serving().values()) == {scenario.number}


def test_a_controller_killed_in_mid_wave_resumes_and_does_no_device_twice(prepare: Prepare) -> None:
    """Killed twice: while shop-02 is delivered to, and once shop-03 runs the release but nobody confirmed it."""
    names = ["shop-01", "shop-02", "shop-03", "shop-04"]
    scenario = prepare(names, rollout={"maxUnavailable": 1})
    devices = [scenario.device(name) for name in names]
    before = {device.name: (device.activations(), device.service_starts()) for device in devices}

    controller = scenario.repository.start("rollout")
    second = scenario.device("shop-02")
    incoming = f"{second.root}/incoming/{scenario.number}"
    wait_until(
        lambda: second.host.run(["test", "-e", incoming], check=False).returncode == 0,
        "the delivery to begin",
        timeout_s=120,
    )
    controller.kill()
    refused = scenario.repository.run("rollout")
    assert (refused.exit_code, list(refused.slugs.values())) == (5, ["rollout-unfinished"])

    controller = scenario.repository.start("rollout", "--resume")
    await_current(scenario.device("shop-03"), scenario.number)
    controller.kill()
    assert scenario.device("shop-03").look().confirmed == scenario.before["shop-03"]
    pids = {device.name: device.look().pid for device in devices[:2]}

    ended = scenario.repository.run("rollout", "--resume")
    assert (ended.exit_code, ended.verdict) == (0, "confirmed"), ended
    assert set(scenario.confirmed().values()) == set(scenario.serving().values()) == {scenario.number}
    assert {device.name: device.look().pid for device in devices[:2]} == pids
    for device in devices:
        activations, starts = before[device.name]
        assert (device.activations(), device.service_starts()) == (activations + 1, starts + 1), device.name
    told = scenario.repository.told()
    assert {name: told[name]["confirm"] for name in names} == dict.fromkeys(names, 1)
    assert {name: told[name]["deploy"] for name in ("shop-01", "shop-03", "shop-04")} == {
        "shop-01": 1, "shop-03": 1, "shop-04": 1,
    }  # fmt: skip


def test_a_controller_that_never_comes_back_leaves_unconfirmed_hosts_on_their_old_release(prepare: Prepare) -> None:
    """One of them loses its power too, with whatever was not synced to its disk."""
    scenario = prepare(
        ["shop-01", "shop-02", "shop-03"],
        rollout={"waves": [{"canary": "1 per target"}, "100%"], "confirmTimeout": f"{CONFIRM_TIMEOUT_S}s"},
    )
    unconfirmed = [scenario.device(name) for name in ("shop-02", "shop-03")]
    controller = scenario.repository.start("rollout")
    for device in unconfirmed:
        await_current(device, scenario.number)
    controller.kill()
    activated = {device.name: device.look().state["active"]["at_wall"] for device in unconfirmed}

    cut = scenario.device("shop-03").host
    cut.kill(lose_unsynced=True)
    cut.start()
    for device in unconfirmed:
        old = scenario.before[device.name]
        wait_until(lambda: device.serving() == old, f"{device.name} to serve {old}", timeout_s=60, every_s=0.1)  # noqa: B023
        assert time.time() - activated[device.name] <= CONFIRM_TIMEOUT_S
        seen = device.look()
        assert seen.current == seen.confirmed == old
        assert seen.state["reverted"]["slug"] == "confirm-timeout"
        assert str(scenario.number) not in seen.state["denied"], "a controller's death is no fault of the release"
        assert (seen.state["active"], seen.timer) == (None, "inactive")
    canary = scenario.device("shop-01").look()
    assert canary.current == canary.confirmed == scenario.number, "what was confirmed stays"
