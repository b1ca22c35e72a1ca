"""Roll-outs on this machine: real Ansible, real agent, real service processes; `local` connections."""

from __future__ import annotations

import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.local_rollout.shop import Shop
from tests.support.device_release import is_alive, until

pytestmark = pytest.mark.skipif(
    not all(shutil.which(tool) for tool in ("gcc", "ssh-keygen", "ssh")), reason="needs gcc, ssh-keygen and ssh"
)

V1, V2 = 1_000_000, 1_001_000


@pytest.fixture
def make_shop(tmp_path: Path) -> Iterator[Callable[..., Shop]]:
    shops: list[Shop] = []

    def make(count: int, **rollout: Any) -> Shop:
        shops.append(Shop.create(tmp_path, count, **rollout))
        return shops[-1]

    yield make
    for shop in shops:
        shop.stop()


def test_release_reaches_every_device_and_a_broken_one_stops_in_the_canary(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop(3)
    shop.release("1.0.0")
    first = shop.rolled_out()
    assert first["verdict"] == "confirmed"
    assert set(shop.confirmed().values()) == {V1}
    assert [wave["name"] for wave in first["waves"]] == ["01-canary", "02-100-percent"]
    status, body = shop.devices["counter-1"].http("/v1/embeddings", {"input": [[3, 14, 15]], "model": "demo"})
    assert status == 200, body

    pids = {name: device.supervisor_pid() for name, device in shop.devices.items()}
    again = shop.rolled_out()
    assert again["verdict"] == "confirmed"
    assert {name: device.supervisor_pid() for name, device in shop.devices.items()} == pids, "a service was restarted"

    shop.release("1.1.0", wrong=True)
    broken = shop.rolled_out(expect=5)
    assert broken["verdict"] == "rolled-back"
    assert broken["devices"]["counter-0"]["slug"] == "vector-mismatch"
    assert set(shop.running().values()) == {V1}
    assert not (shop.devices["counter-1"].root / "releases" / str(V2)).exists(), "a later wave was touched"

    assert shop.refused("rollout") == "release-denied"
    [status_now] = shop.command("status")
    by_name = {device["device"]: device for device in status_now["devices"]}
    assert by_name["counter-0"]["status"] == "failed"
    assert by_name["counter-0"]["running"] == V1
    assert by_name["counter-1"]["running"] == V1


def test_failure_in_wave_two_takes_its_healthy_mates_back(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop(3)
    shop.release("1.0.0")
    shop.rolled_out()
    shop.release("1.1.0")
    obstacle = shop.devices["counter-2"].root / "incoming" / str(V2)
    obstacle.write_text("a file where the folder of the release belongs")
    state = shop.rolled_out(expect=5)
    assert state["verdict"] == "rolled-back"
    assert state["devices"]["counter-1"]["status"] == "rolled-back"
    assert state["devices"]["counter-2"]["slug"] == "file-refused"
    assert shop.running() == {"counter-0": V2, "counter-1": V1, "counter-2": V1}
    assert shop.confirmed() == shop.running()


def test_rollback_takes_all_devices_back_and_denies_the_release(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop(2, waves=["100%"])
    shop.release("1.0.0")
    shop.command("rollout")
    shop.release("1.1.0")
    shop.command("rollout")
    assert set(shop.confirmed().values()) == {V2}
    assert shop.refused("rollback", "--to", "0.9.0") == "no-way-back"
    assert set(shop.confirmed().values()) == {V2}
    shop.command("rollback", "--to", "1.0.0")
    assert set(shop.confirmed().values()) == {V1}
    assert shop.refused("rollout") == "release-denied"
    state = shop.rolled_out("--lift")
    assert state["verdict"] == "confirmed"
    assert set(shop.confirmed().values()) == {V2}


def test_controller_killed_in_mid_wave_resumes_and_does_nothing_twice(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop(3)
    shop.release("1.0.0")
    controller = shop.start("rollout")
    canary = shop.devices["counter-0"]
    until(lambda: canary.current() == V1, 60, "the canary runs the release")
    controller.send_signal(signal.SIGKILL)
    controller.communicate(timeout=30)
    assert shop.refused("rollout") == "rollout-unfinished"
    state = shop.rolled_out("--resume")
    assert state["verdict"] == "confirmed"
    assert set(shop.confirmed().values()) == {V1}
    assert _strays(shop) == []


def test_absent_device_waits_and_joins_when_it_is_back(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop(3)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        shop.absent = {"counter-2": closed.getsockname()[1]}
    shop.release("1.0.0")
    state = shop.rolled_out()
    assert state["verdict"] == "waiting"
    assert state["devices"]["counter-2"]["status"] == "absent"
    assert shop.confirmed() == {"counter-0": V1, "counter-1": V1, "counter-2": None}
    shop.absent = {}
    shop.write("1.0.0")
    state = shop.rolled_out("--resume")
    assert state["verdict"] == "confirmed"
    assert set(shop.confirmed().values()) == {V1}


def test_interrupt_leaves_a_rollout_that_can_be_resumed(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop(1)
    shop.release("1.0.0")
    controller = shop.start("rollout")
    until(lambda: (shop.devices["counter-0"].root / "incoming").exists(), 60, "the delivery began")
    controller.send_signal(signal.SIGINT)
    controller.communicate(timeout=60)
    assert controller.returncode == 130
    assert _strays(shop) == []
    state = shop.rolled_out("--resume")
    assert state["verdict"] == "confirmed"


def _strays(shop: Shop) -> list[int]:
    runs = str(shop.root / ".edgewright" / "runs")
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and is_alive(int(entry.name)) and int(entry.name) != os.getpid():
            try:
                if runs in (entry / "cmdline").read_text():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found
