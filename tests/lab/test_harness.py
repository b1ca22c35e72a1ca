"""The lab itself: hosts are real, faults are real, and nothing stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.lab.conftest import KIOSK, SHOPS
from tests.lab.harness import remnants
from tests.lab.harness.command import LabError, command, wait_until
from tests.lab.harness.host import Host, HostSpec
from tests.lab.harness.lab import Lab

pytestmark = pytest.mark.lab


def test_five_hosts_with_new_disks_are_usable_within_a_minute(lab: Lab) -> None:
    shops = [lab.host(name) for name in SHOPS]
    for shop in shops:
        shop.reset()
    began = time.monotonic()
    lab.start(shops)
    assert time.monotonic() - began < 60
    assert [shop.run(["hostname"]).stdout.strip() for shop in shops] == list(SHOPS)


def test_systemd_finishes_its_boot_with_no_failed_unit(host: Host) -> None:
    assert host.run(["systemctl", "is-system-running"], check=False).stdout.strip() == "running"


def test_an_emulated_host_is_what_it_says(lab: Lab) -> None:
    script = "import platform, struct, sys; print(platform.machine(), struct.calcsize('P'), sys.version_info[:2])"
    assert lab.host(KIOSK).run(["python3", "-c", script]).stdout.strip() == "aarch64 8 (3, 11)"


def test_every_host_has_an_identity_of_its_own(lab: Lab) -> None:
    machine_ids = {host.run(["cat", "/etc/machine-id"]).stdout for host in lab.hosts}
    keys = {line.split()[2] for line in lab.known_hosts.read_text().splitlines()}
    assert len(machine_ids) == len(keys) == len({host.address for host in lab.hosts}) == len(lab.hosts) == 6


def test_an_ordinary_user_may_become_root(host: Host) -> None:
    if host.spec.architecture != "amd64":
        pytest.skip(
            "the kernel's rule for qemu-user has no flag C, so setuid programs of another architecture get no rights"
        )
    assert host.run(["id", "-un"], user="edge").stdout.strip() == "edge"
    assert host.run(["sudo", "-n", "id", "-un"], user="edge").stdout.strip() == "root"


def test_hosts_reach_each_other_and_nothing_else(lab: Lab) -> None:
    call = "import socket, sys; print(socket.create_connection((sys.argv[1], 22), timeout=5).recv(4))"
    shop, mate = lab.host(SHOPS[0]), lab.host(SHOPS[1])
    assert shop.run(["python3", "-c", call, mate.address]).stdout.strip() == "b'SSH-'"
    outside = shop.run(["python3", "-c", call, "192.0.2.1"], check=False)
    assert "Network is unreachable" in outside.stderr


def test_words_arrive_as_they_were_sent(lab: Lab) -> None:
    words = ["a b", "$HOME", "it's", "", "*"]
    script = "import sys; print(sys.argv[1:])"
    assert lab.host(SHOPS[0]).run(["python3", "-c", script, *words]).stdout.strip() == str(words)


def test_files_survive_sigkill_of_the_whole_host(victim: Host) -> None:
    victim.write("/opt/kept", "kept")
    victim.kill()
    assert not victim.is_running
    victim.start()
    assert victim.run(["cat", "/opt/kept"]).stdout == "kept"


def test_a_power_cut_loses_what_was_not_synced_and_nothing_else(victim: Host) -> None:
    victim.run(["sh", "-c", "echo safe > /opt/synced; sync /opt/synced /opt; echo risky > /opt/cached"])
    victim.kill(lose_unsynced=True)
    victim.start()
    assert victim.run(["ls", "/opt"]).stdout.split() == ["synced"]
    assert victim.run(["cat", "/opt/synced"]).stdout == "safe\n"


def test_an_orderly_stop_keeps_everything_and_ends_the_host(victim: Host) -> None:
    victim.run(["sh", "-c", "echo late > /opt/late"])
    victim.stop()
    assert not victim.is_running
    victim.start()
    assert victim.run(["cat", "/opt/late"]).stdout == "late\n"


@pytest.mark.parametrize("fault", ["link_down", "freeze"])
def test_a_silent_host_is_noticed_within_twenty_seconds(victim: Host, fault: str) -> None:
    waiting = subprocess.Popen(
        victim._login.argv(["sh", "-c", "echo begun; exec sleep 300"]), stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    with waiting:
        assert waiting.stdout is not None
        assert waiting.stdout.readline() == b"begun\n"
        began = time.monotonic()
        getattr(victim, fault)()
        assert waiting.wait(timeout=60) == 255
        assert time.monotonic() - began < 20
    victim.link_up()
    victim.thaw()
    assert victim.run(["true"]).returncode == 0


def test_a_full_disk_refuses_writes_until_it_is_emptied(victim: Host) -> None:
    write = ["dd", "if=/dev/zero", "of=/opt/blob", "bs=1M", "count=8", "conv=fsync"]
    victim.fill_disk(leave_bytes=1 << 20)
    assert "No space left on device" in victim.run(write, check=False).stderr
    victim.empty_disk()
    victim.run(write)


def test_a_changed_host_key_is_refused(victim: Host) -> None:
    victim.change_host_key()
    refused = victim.run(["true"], check=False)
    assert refused.returncode == 255
    assert "Host key verification failed" in refused.stderr


def test_a_wrong_clock_is_what_python_sees_in_sessions_and_services(victim: Host) -> None:
    decade_s = 10 * 365 * 86400
    script = "import subprocess, time; time.sleep(0.01); print(time.time(), subprocess.getoutput('date +%s'))"
    ask = ["python3", "-c", script]
    service = ["systemd-run", "--pipe", "--quiet", "--property=DynamicUser=yes", "--property=ProtectSystem=strict"]
    victim.shift_clock(-decade_s)
    for argv in (ask, [*service, *ask], ["sudo", "-n", *ask]):
        for seen in victim.run(argv).stdout.split():
            assert abs(float(seen) + decade_s - time.time()) < 60
    victim.shift_clock(0)
    assert abs(float(victim.run(ask).stdout.split()[0]) - time.time()) < 60


def test_a_slow_link_is_slow(victim: Host) -> None:
    victim.limit_rate(8_000)
    began = time.monotonic()
    victim.run(["sh", "-c", "cat > /dev/null"], stdin="x" * 2_000_000)
    assert time.monotonic() - began > 1.5
    victim.limit_rate(None)


def test_a_memory_cap_holds_for_the_whole_host(lab: Lab) -> None:
    small = lab.add(HostSpec("shop-small", memory_bytes=128 << 20))
    small.start()
    assert small.run(["python3", "-c", "b'x' * (300 << 20)"], check=False).returncode != 0
    small.kill()


def test_a_reset_host_keeps_its_identity_and_loses_its_files(victim: Host) -> None:
    victim.write("/opt/trace", "trace")
    before = victim.run(["cat", "/etc/machine-id"]).stdout
    victim.reset()
    victim.start()
    assert victim.run(["cat", "/etc/machine-id"]).stdout == before
    assert victim.run(["ls", "/opt"]).stdout == ""


def test_a_failing_command_says_which_host_and_why(lab: Lab) -> None:
    with pytest.raises(LabError, match=r"shop-01: .* exited 1: .*No such file"):
        lab.host(SHOPS[0]).run(["cat", "/nowhere"])


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "sigkill"])
def test_nothing_stays_behind_when_the_owner_of_a_lab_is_gone(
    tmp_path: Path, how: signal.Signals, possible: None
) -> None:
    folder = tmp_path / "hosts"
    argv = [sys.executable, "-m", "tests.lab.harness", "up", str(folder), "--amd64", "1"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline().startswith("shop-01")
        name = next(name for name, path in remnants.recorded().items() if path == folder)
        os.kill(owner.pid, how)
        owner.wait(timeout=30)
    if how is signal.SIGKILL:
        assert remnants.remove_orphans() == [name]
    assert name not in remnants.recorded()
    assert not folder.exists()
    assert name not in command(["ip", "link"]) + command(["ip", "netns"])
    wait_until(lambda: str(folder) not in command(["losetup", "--list"]), "the disk to be released", timeout_s=5)
