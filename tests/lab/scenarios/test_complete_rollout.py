"""A good release reaches every device, in waves, and serves there as designed."""

from __future__ import annotations

import pytest
from tests.lab.conftest import KIOSK, SHOPS
from tests.lab.scenarios.conftest import PC, World
from tests.lab.scenarios.device import LabDevice
from tests.support.device_release import expected

pytestmark = pytest.mark.lab


def test_three_waves_end_confirmed_on_five_amd64_hosts_and_the_arm64_host(world: World) -> None:
    repository, version = world.repository([*SHOPS, KIOSK]), world.version()
    number = repository.package(version, world.artifacts(version))
    ended = repository.run("rollout")
    assert ended.exit_code == 0, ended
    assert ended.verdict == "confirmed"
    waves = [set(wave["devices"]) for wave in ended.rollout["waves"]]
    assert waves == [{"shop-01", KIOSK}, {"shop-02", "shop-03"}, {"shop-04", "shop-05"}]
    assert set(ended.statuses.values()) == {"confirmed"}
    status = repository.status()
    for device in repository.devices:
        seen = device.look()
        assert seen.current == seen.confirmed == number
        assert (seen.state["active"], seen.timer) == (None, "inactive")
        assert status[device.name]["running"] == status[device.name]["confirmed"] == number
        assert status[device.name]["latency_s"] > 0
        assert_serves_from_a_sandbox(device, number)


def assert_serves_from_a_sandbox(device: LabDevice, number: int) -> None:
    """It answers from outside the host; inside, it is nobody, and has no network where the lab can take it away."""
    assert device.serving() == number
    ids = [3, 14, 15]
    status, answer = device.http("/v1/embeddings", {"input": [ids], "model": "search"})
    assert status == 200, answer
    assert answer["data"][0]["embedding"] == pytest.approx(expected(ids))
    assert device.unit("DynamicUser") == "yes"
    assert device.unit("PrivateNetwork") == ("yes" if device.target == PC else "no")  # harness/recipe.py says why
    assert device.unit("ProtectSystem") == "strict"
    pid = device.unit("MainPID")
    owner = device.host.run(["stat", "-c", "%u", f"/proc/{pid}"]).stdout
    assert 61184 <= int(owner) <= 65519  # DynamicUser's range, systemd.exec(5)
    if device.target == PC:
        links = device.host.run(["nsenter", "--target", pid, "--net", "ls", "/sys/class/net"])
        own, host = (device.host.run(["readlink", f"/proc/{process}/ns/net"]).stdout.strip() for process in (pid, "1"))
        assert own != host, links.stdout
