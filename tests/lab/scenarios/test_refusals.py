"""Input that is wrong on a host, or on its way there: named, refused, and nothing changed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.lab.harness.command import command, wait_until
from tests.lab.harness.host import Host
from tests.lab.harness.ssh import Login
from tests.lab.scenarios.conftest import BOARD, PC, Prepare, Scenario

pytestmark = pytest.mark.lab

HOST = "shop-05"
HOST_KEY = "/etc/ssh/ssh_host_ed25519_key"
KIB, MIB = 1 << 10, 1 << 20
TWO_DAYS_S = 2 * 86400


def assert_refused(scenario: Scenario, slug: str) -> None:
    """The roll-out to the one host ends with its diagnostic and exit code 5; the host is as it was."""
    device = scenario.device(HOST)
    before = device.look()
    ended = scenario.repository.run("rollout")
    assert (ended.exit_code, ended.verdict) == (5, "rolled-back"), ended
    assert ended.slugs[HOST] == slug
    assert ended.statuses == {HOST: "failed"}
    assert_intact(scenario, before.pid)


def assert_intact(scenario: Scenario, pid: int) -> None:
    """The old release, the same process of it, and nothing of the new one."""
    device = scenario.device(HOST)
    seen = device.look()
    assert seen.current == seen.confirmed == device.serving() == scenario.before[HOST]
    assert seen.pid == pid
    assert scenario.number not in seen.installed
    assert seen.state["active"] is None


@contextmanager
def another_host_key(host: Host, identity_file: Path, folder: Path) -> Iterator[None]:
    """Change the host's key for a while."""
    host.run(["cp", "-p", HOST_KEY, f"{HOST_KEY}.pub", "/root"])
    host.change_host_key()
    known_hosts = folder / "known_hosts"
    known_hosts.write_text(command(["ssh-keyscan", "-t", "ed25519", host.address]))
    try:
        yield
    finally:
        back = f"mv /root/{Path(HOST_KEY).name}* /etc/ssh/ && systemctl restart ssh"
        login = Login(host.address, "root", identity_file, known_hosts)
        login.run(["sh", "-c", back], stdin=None, timeout_s=60)


def test_a_host_key_that_changed_is_refused_by_name_and_nothing_is_sent(prepare: Prepare, tmp_path: Path) -> None:
    scenario = prepare([HOST])
    device = scenario.device(HOST)
    before = device.look()
    with another_host_key(device.host, scenario.repository.lab.identity_file, tmp_path):
        ended = scenario.repository.run("rollout", output="text")
        assert ended.exit_code == 5, ended
        assert f"host-key-changed  {HOST}" in ended.stderr
        assert f"ssh-keygen -f {scenario.repository.lab.known_hosts} -R {device.host.address}" in ended.stderr
    assert device.look() == before
    assert device.serving() == scenario.before[HOST]


def test_a_full_disk_is_noticed_before_the_release_is_sent(prepare: Prepare) -> None:
    scenario = prepare([HOST])
    host = scenario.device(HOST).host
    host.fill_disk(leave_bytes=4 * MIB)
    try:
        assert_refused(scenario, "disk-full")
    finally:
        host.empty_disk()


def test_a_dead_link_is_noticed_within_twenty_seconds_and_the_host_joins_later(prepare: Prepare) -> None:
    scenario = prepare([HOST])
    device = scenario.device(HOST)
    host = device.host
    host.limit_rate(256)  # so slow that the link dies while the release is on its way
    before = host.received_bytes
    rollout = scenario.repository.start("rollout")
    wait_until(lambda: host.received_bytes > before + 32 * KIB, "the transfer to begin", timeout_s=60)
    host.link_down()
    cut = time.monotonic()
    rollout.await_words("unreachable")
    assert time.monotonic() - cut < 20
    ended = rollout.end()
    assert (ended.exit_code, ended.verdict) == (0, "waiting"), ended
    host.limit_rate(None)
    host.link_up()
    assert device.look().confirmed == scenario.before[HOST]
    resumed = scenario.repository.run("rollout", "--resume")
    assert (resumed.exit_code, resumed.verdict) == (0, "confirmed"), resumed


def test_a_tampered_blob_is_refused_before_any_device_is_reached(prepare: Prepare) -> None:
    scenario = prepare([HOST])
    before = scenario.device(HOST).look()
    blob = next((scenario.repository.dist / "release" / "blobs" / "sha256").glob("*"))
    content = bytearray(blob.read_bytes())
    content[len(content) // 2] ^= 1
    blob.write_bytes(content)
    ended = scenario.repository.run("rollout")
    assert ended.exit_code == 3, ended
    assert list(ended.slugs.values()) == ["blob-tampered"]
    assert not scenario.repository.runs.exists(), "Ansible was started"
    assert scenario.device(HOST).look() == before


def test_a_release_without_the_class_of_a_device_is_refused_before_any_device_is_reached(prepare: Prepare) -> None:
    scenario = prepare([HOST])
    before = scenario.device(HOST).look()
    scenario.repository.write_fleet(targets={HOST: BOARD})
    ended = scenario.repository.run("rollout")
    assert ended.exit_code == 3, ended
    assert ended.slugs == {HOST: "release-for-other-target"}
    assert not scenario.repository.runs.exists(), "Ansible was started"
    assert scenario.device(HOST).look() == before


def test_an_older_release_is_refused_by_the_device_itself(prepare: Prepare) -> None:
    """Another controller, whose ledger knows nothing of this device, has an older release that is signed and valid."""
    older = prepare([HOST])
    newer = prepare([HOST])
    ended = newer.repository.run("rollout")
    assert (ended.exit_code, ended.verdict) == (0, "confirmed"), ended
    older.before[HOST] = newer.number
    assert_refused(older, "release-older")


def test_an_expired_release_is_refused_by_the_device_itself(prepare: Prepare) -> None:
    """The controller's clock is wrong, so to speak: the device's says that the release has expired."""
    scenario = prepare([HOST], spec={"release": {"expiresAfter": "24h"}})
    host = scenario.device(HOST).host
    host.shift_clock(TWO_DAYS_S)
    try:
        assert_refused(scenario, "release-expired")
    finally:
        host.shift_clock(0)


def test_a_manifest_of_another_target_is_refused_by_the_device_itself(prepare: Prepare) -> None:
    """Both manifests are signed; the one of the arm64 board is put where the PC's belongs."""
    scenario = prepare([HOST], other_targets=(BOARD,))
    device, dist = scenario.device(HOST), scenario.repository.dist
    before = device.look()
    index = json.loads((dist / "release" / "index.json").read_text())
    digests = {entry["annotations"]["dev.edgewright.target"]: entry["digest"] for entry in index["manifests"]}
    incoming = f"{device.root}/incoming/{scenario.number}"
    for name in ("statement.json", "statement.json.sig"):
        device.host.write(f"{incoming}/{name}", (dist / "evidence" / name).read_text())
    blob = dist / "release" / "blobs" / "sha256" / digests[BOARD].removeprefix("sha256:")
    device.host.write(f"{incoming}/manifest.json", blob.read_text())
    assert device.refusal("need", "--incoming", incoming) == "manifest-mismatch"

    options = device.host.run(["cat", f"{device.root}/device.json"]).stdout
    device.host.write(f"{device.root}/device.json", options.replace(PC, "rk3588-8g"))
    try:
        assert device.refusal("need", "--incoming", incoming) == "release-for-other-target"
    finally:
        device.host.write(f"{device.root}/device.json", options)
    device.host.run(["rm", "-r", incoming])
    assert_intact(scenario, before.pid)
