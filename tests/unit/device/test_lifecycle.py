"""A release comes, is confirmed, is reverted, is rolled back: real agent, real service, no systemd."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from tests.support.device_release import TestDevice, children_of, expected, is_alive, until
from tests.unit.device.conftest import ReleaseMaker


def test_a_device_without_releases_is_idle(device: TestDevice) -> None:
    answer = device.run("observe")
    assert answer["ok"] is True
    assert (answer["state"], answer["current"], answer["confirmed"]) == ("idle", None, None)
    assert answer["host"]["free_bytes"] > 0


def test_a_release_is_needed_staged_activated_checked_and_confirmed(device: TestDevice, make: ReleaseMaker) -> None:
    release = make("1.4.0", agent=device.agent)
    incoming = str(device.push(release, blobs=False))
    need = device.run("need", "--incoming", incoming)
    assert need["state"] == "fetching"
    assert {entry["digest"] for entry in need["missing"]} == {f"sha256:{digest}" for digest in release.blobs}
    device.push_blobs(release, list(release.blobs))
    assert device.run("stage", "--incoming", incoming)["state"] == "staged"
    assert device.current() is None
    activated = device.run("activate", "--release", "1004000", "--confirm-timeout", "30")
    assert activated["state"] == "active-unconfirmed"
    assert 15 < activated["remaining_s"] <= 22.5
    assert not any((device.root / "incoming" / "blobs").iterdir())
    device.refused("not-healthy", "confirm", "--release", "1004000")
    health = device.run("health")
    assert health["vector"]["ok"] is True
    assert {"latency_median", "latency_p95", "peak_memory"} <= set(health["measurements"])
    confirmed = device.run("confirm", "--release", "1004000")
    assert (confirmed["state"], confirmed["confirmed"], confirmed["changed"]) == ("confirmed", 1004000, True)
    status, answer = device.http("/v1/embeddings", {"model": "demo", "input": [3, 4, 5]})
    assert status == 200
    assert answer["data"][0]["embedding"] == pytest.approx(expected([3, 4, 5]))
    again = device.run("need", "--incoming", str(device.push(release, blobs=False)))
    assert again["missing"] == []


def test_every_step_may_be_repeated(device: TestDevice, make: ReleaseMaker) -> None:
    release = make()
    device.roll_out(release)
    before = device.state()
    assert device.run("stage", "--incoming", str(device.push(release)))["changed"] is False
    assert device.run("activate", "--release", "1000000")["changed"] is False
    assert device.run("confirm", "--release", "1000000")["changed"] is False
    assert device.run("revert", "--release", "2000000")["changed"] is False
    assert device.state() == before


def test_a_release_nobody_confirms_is_left_without_systemd(device: TestDevice, make: ReleaseMaker) -> None:
    device.roll_out(make("1.0.0"))
    device.stage(make("1.1.0"))
    device.run("activate", "--release", "1001000", "--confirm-timeout", "3")
    assert device.current() == 1001000
    until(lambda: device.current() == 1000000, 10, "the device went back")
    until(lambda: device.run("observe")["service"] == {"up": True, "release": 1000000}, 10, "the old release serves")
    answer = device.run("observe")
    assert answer["state"] == "reverted"
    assert answer["reverted"]["slug"] == "confirm-timeout"
    assert answer["denied"] == {}
    device.refused("confirm-too-late", "confirm", "--release", "1001000")


def test_the_first_release_nobody_confirms_leaves_an_idle_device(device: TestDevice, make: ReleaseMaker) -> None:
    device.stage(make())
    device.run("activate", "--release", "1000000", "--confirm-timeout", "2")
    until(lambda: device.current() is None, 10, "the device went back to nothing")
    assert device.run("observe")["service"] is None


def test_a_supervisor_killed_while_unconfirmed_reverts_when_it_starts(device: TestDevice, make: ReleaseMaker) -> None:
    device.roll_out(make("1.0.0"))
    device.stage(make("1.1.0"))
    device.run("activate", "--release", "1001000", "--confirm-timeout", "3")
    device.stop(signal.SIGKILL)
    state = device.state()
    assert device.current() == 1001000
    state["active"]["at_monotonic"] -= 60
    (device.root / "state.json").write_text(json.dumps(state))
    answer = device.run("boot")
    assert (answer["current"], answer["state"]) == (1000000, "reverted")
    until(lambda: device.run("observe")["service"] == {"up": True, "release": 1000000}, 15, "the old release serves")


def test_the_service_dies_with_its_supervisor(device: TestDevice, make: ReleaseMaker) -> None:
    device.roll_out(make())
    supervisor = device.supervisor_pid()
    assert supervisor is not None
    children = children_of(supervisor)
    assert len(children) == 1
    device.stop(signal.SIGKILL)
    until(lambda: not is_alive(children[0]), 30, "the service ended")


def test_a_service_that_crashes_is_started_again(device: TestDevice, make: ReleaseMaker) -> None:
    device.roll_out(make())
    supervisor = device.supervisor_pid()
    assert supervisor is not None
    os.kill(children_of(supervisor)[0], signal.SIGKILL)
    until(lambda: device.run("health", expect=None)["ok"], 30, "the service is back")


def test_a_reboot_while_unconfirmed_goes_on_waiting(device: TestDevice, make: ReleaseMaker) -> None:
    device.roll_out(make("1.0.0"))
    device.stage(make("1.1.0"))
    device.run("activate", "--release", "1001000", "--confirm-timeout", "60")
    device.stop(signal.SIGKILL)
    answer = device.run("boot")
    assert (answer["state"], answer["current"]) == ("active-unconfirmed", 1001000)
    device.run("health")
    assert device.run("confirm", "--release", "1001000")["state"] == "confirmed"


def test_an_unhealthy_release_is_reverted_and_denied_until_lifted(device: TestDevice, make: ReleaseMaker) -> None:
    device.roll_out(make("1.0.0"))
    bad = make("1.1.0", artifact="wrong")
    device.stage(bad)
    device.run("activate", "--release", "1001000")
    answer = device.refused("vector-mismatch", "health", expect=4)
    assert "differs by 1" in answer["error"]["message"]
    device.refused("not-healthy", "confirm", "--release", "1001000")
    reverted = device.run("revert", "--release", "1001000", "--reason", "vector-mismatch", "--message", "canary failed")
    assert (reverted["state"], reverted["current"]) == ("reverted", 1000000)
    incoming = str(device.push(bad))
    device.refused("release-denied", "need", "--incoming", incoming)
    device.refused("release-denied", "stage", "--incoming", incoming)
    assert device.run("observe")["denied"]["1001000"]["slug"] == "vector-mismatch"
    assert device.run("lift", "--release", "1001000")["changed"] is True
    assert device.run("need", "--incoming", incoming)["missing"] == []
    assert device.run("health")["release"] == 1000000


def test_rollback_leaves_a_confirmed_release_and_denies_it(device: TestDevice, make: ReleaseMaker) -> None:
    device.roll_out(make("1.0.0"))
    device.refused("nothing-to-roll-back", "rollback")
    device.roll_out(make("1.1.0"))
    device.refused("nothing-to-revert", "revert", "--release", "1001000")
    answer = device.run("rollback", "--release", "1001000")
    assert (answer["current"], answer["confirmed"], answer["state"]) == (1000000, 1000000, "reverted")
    until(lambda: device.run("observe")["service"] == {"up": True, "release": 1000000}, 10, "the old release serves")
    assert device.run("rollback", "--release", "1001000")["changed"] is False
    assert "1001000" in device.run("observe")["denied"]
    device.refused("nothing-to-roll-back", "rollback")


def test_only_one_release_is_unconfirmed_at_a_time(device: TestDevice, make: ReleaseMaker) -> None:
    device.stage(make("1.0.0"))
    device.run("activate", "--release", "1000000")
    incoming = str(device.push(make("1.1.0")))
    device.refused("release-unconfirmed", "need", "--incoming", incoming)
    device.refused("release-unconfirmed", "stage", "--incoming", incoming)
    device.refused("nothing-to-confirm", "confirm", "--release", "1001000")


def test_the_release_brings_the_code_that_serves_it(device: TestDevice, make: ReleaseMaker) -> None:
    device.roll_out(make("1.0.0", agent=device.agent))
    supervisor = device.supervisor_pid()
    assert supervisor is not None
    command = Path(f"/proc/{children_of(supervisor)[0]}/cmdline").read_bytes().decode().split("\0")
    assert str(device.root / "releases/1000000/agent/edgewright-agent.pyz") in command


def _runs(python: str) -> bool:
    return subprocess.run([python, "-c", "pass"], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("version", ["3.9", "3.13"])
def test_the_agent_and_the_service_run_on_other_pythons(version: str, device: TestDevice, make: ReleaseMaker) -> None:
    python = shutil.which(f"python{version}")
    if python is None or not _runs(python):
        pytest.skip(f"there is no python{version} on this machine")
    device.python = python
    device.roll_out(make("1.0.0"))
    assert device.run("observe")["host"]["python"].startswith(f"{version}.")


def test_a_release_that_is_left_takes_its_options_with_it(device: TestDevice, make: ReleaseMaker) -> None:
    device.roll_out(make("1.0.0"))
    before = (device.root / "device.json").read_bytes()
    device.write_options(memory_max_bytes=2**20)  # far too little for any interpreter
    device.stage(make("1.1.0"))
    device.run("activate", "--release", "1001000")
    refused = device.refused("service-unhealthy", "health", expect=4)
    assert "times before it was ready" in refused["error"]["message"]
    device.run("revert", "--release", "1001000")
    assert (device.root / "device.json").read_bytes() == before
    until(lambda: device.run("observe")["service"] == {"up": True, "release": 1000000}, 20, "the old release serves")


def test_a_stopped_device_serves_nothing_and_keeps_its_release(device: TestDevice, make: ReleaseMaker) -> None:
    device.roll_out(make("1.0.0"))
    assert device.run("stop")["current"] == 1000000
    assert device.run("observe")["service"] == {"up": False, "release": None}
