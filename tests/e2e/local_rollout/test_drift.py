"""Drift, reconciliation and audit on this machine: real Ansible, real agents, real damage."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.local_rollout.shop import Shop
from tests.support.device_release import until

pytestmark = pytest.mark.skipif(
    not all(shutil.which(tool) for tool in ("gcc", "ssh-keygen", "ssh", "git")), reason="needs gcc, git, OpenSSH"
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


def drift(shop: Shop, *arguments: str, expect: int = 0) -> dict[str, list[str]]:
    """Kinds of difference by device, in-sync ones empty."""
    [found] = shop.command("drift", *arguments, expect=expect)
    return {d["device"]: [x["kind"] for x in d["differences"]] for d in found["devices"]}


def audit(shop: Shop, *arguments: str, expect: int = 0) -> list[dict[str, Any]]:
    process = shop.start("audit", *arguments)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == expect, stderr
    return [json.loads(line) for line in stdout.splitlines()]


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    with path.open("r+b") as stream:
        stream.write(content)


def snapshot(root: Path) -> dict[str, tuple[int, int, int]]:
    """Inode, size and time of everything below a device's root, but what Ansible and the lock leave."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if name.split("/")[0] not in {".ansible", "lock"}:
            status = path.lstat()
            found[name] = (status.st_ino, status.st_size, status.st_mtime_ns)
    return found


def told(shop: Shop) -> set[str]:
    """Every device that the ledger says was told something in the last roll-out."""
    with sqlite3.connect(f"file:{shop.root}/.edgewright/ledger.db?mode=ro", uri=True) as ledger:
        rows = ledger.execute(
            "SELECT payload FROM events WHERE kind = 'sent' AND rollout_id = (SELECT max(id) FROM rollouts)"
        ).fetchall()
    ledger.close()
    return {device for (payload,) in rows for device in json.loads(payload)["devices"]}


def test_every_kind_of_drift_is_found_and_what_can_be_mended_is_mended(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop(7)
    shop.release("1.0.0")
    shop.command("rollout", "--on", "counter-6")
    shop.release("1.1.0")
    shop.command("rollout", "--on", "counter-0,counter-1,counter-2,counter-4,counter-5")
    devices = shop.devices
    flip(devices["counter-1"].root / "releases" / str(V2) / "artifact" / "model" / "weights.bin")
    devices["counter-2"].stop()
    removed = devices.pop("counter-5")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        shop.absent = {"counter-4": closed.getsockname()[1]}
    shop.write("1.1.0")

    expected = {
        "counter-0": [],
        "counter-1": ["changed-file"],
        "counter-2": ["stopped-service"],
        "counter-3": ["new"],
        "counter-4": ["absent"],
        "counter-5": ["unknown"],
        "counter-6": ["wrong-release"],
    }
    before = {name: snapshot(device.root) for name, device in devices.items() if device.root.exists()}
    assert drift(shop, "--exit-code", expect=6) == expected
    assert {name: snapshot(devices[name].root) for name in before} == before, "an observation changed a device"
    assert drift(shop) == expected
    assert shop.command("status", "--exit-code", expect=6)[0]["devices"][0]["last_observed"]

    [state] = shop.command("reconcile")["rollouts"]
    assert state["verdict"] == "confirmed"
    assert [wave["name"] for wave in state["waves"]] == ["01-canary", "02-100-percent", "03-untouched"]
    assert told(shop) == {"counter-1", "counter-2", "counter-3", "counter-6"}
    assert snapshot(devices["counter-0"].root) == before["counter-0"]
    assert drift(shop, "--on", "counter-0,counter-1,counter-2,counter-3,counter-6", "--exit-code") == {
        f"counter-{number}": [] for number in (0, 1, 2, 3, 6)
    }
    [status] = shop.command("status", "--exit-code", expect=6)
    by_name = {device["device"]: device for device in status["devices"]}
    assert {name: device["status"] for name, device in by_name.items()} == {
        **{f"counter-{number}": "confirmed" for number in (0, 1, 2, 3, 6)},
        "counter-4": "skipped",
    }
    assert by_name["counter-4"]["differences"] == ["absent"]
    for number in (1, 2, 3, 6):
        assert devices[f"counter-{number}"].http("/healthz")[0] == 200

    again = shop.start("reconcile")
    _, said = again.communicate(timeout=120)
    assert again.returncode == 0
    assert "counter-4 is left as it is: absent" in said
    assert "counter-5 is left as it is: unknown" in said
    assert "nothing to do" in said
    removed.stop()


def test_a_reconciliation_killed_in_the_middle_is_resumed(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop(2, maxUnavailable=1)
    shop.release("1.0.0")
    shop.command("rollout")
    assert shop.command("status", "--exit-code")[0]["verdict"] == "confirmed"
    weights = [
        device.root / "releases" / str(V1) / "artifact" / "model" / "weights.bin" for device in shop.devices.values()
    ]
    good = weights[0].read_bytes()
    for path in weights:
        flip(path)
    controller = shop.start("reconcile")
    until(lambda: weights[0].read_bytes() == good, 60, "the first device is being repaired")
    controller.send_signal(signal.SIGKILL)
    controller.communicate(timeout=30)
    assert shop.refused("reconcile") == "rollout-unfinished"
    assert shop.rolled_out("--resume")["verdict"] == "confirmed"
    assert drift(shop, "--exit-code") == {"counter-0": [], "counter-1": []}
    assert set(shop.confirmed().values()) == {V1}


def test_other_options_reach_the_devices_through_a_reconciliation(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop(1, waves=["100%"])
    shop.release("1.0.0")
    shop.command("rollout")
    shop.rollout["confirmTimeout"] = "2m"
    shop.write("1.0.0")
    assert drift(shop, "--exit-code", expect=6) == {"counter-0": ["changed-options"]}
    shop.command("reconcile")
    assert drift(shop, "--exit-code") == {"counter-0": []}
    assert json.loads((shop.devices["counter-0"].root / "device.json").read_text())["confirm_timeout_s"] == 120


def test_a_denied_release_stays_denied(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop(2)
    shop.release("1.0.0")
    shop.command("rollout")
    shop.release("1.1.0", wrong=True)
    shop.rolled_out(expect=5)
    assert drift(shop, "--exit-code") == {"counter-0": [], "counter-1": []}
    assert shop.command("reconcile")["rollouts"] == []
    assert set(shop.running().values()) == {V1}
    failed, back = audit(shop, "--device", "counter-0")[1], audit(shop, "--device", "counter-0")[0]
    assert (failed["release"], failed["outcome"], failed["reason"]["slug"]) == (V2, "reverted", "vector-mismatch")
    assert (back["release"], back["outcome"], back["to"]) == (V1, "confirmed", None)


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=Rita Berg", "-c", "user.email=rita@example.org", "-c", "commit.gpgsign=false"]
    argv = ["git", "-C", str(folder), *who, *arguments]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    return subprocess.run(argv, check=True, capture_output=True, text=True, env=environment).stdout.strip()


def test_the_audit_says_who_merged_what_ran_after_dist_is_gone(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop(1, waves=["100%"])
    shop.write("1.0.0")
    (shop.root / ".gitignore").write_text("dist/\n.edgewright/\nallowed_signers\n")
    git(shop.root, "init", "-q", "-b", "main")
    git(shop.root, "add", ".")
    git(shop.root, "commit", "-q", "-m", "fleet")
    git(shop.root, "switch", "-q", "-c", "change")
    (shop.root / "note.md").write_text("why\n")
    git(shop.root, "add", ".")
    git(shop.root, "commit", "-q", "--author=Ole Ek <ole@example.org>", "-m", "the change")
    change = git(shop.root, "rev-parse", "HEAD")
    git(shop.root, "switch", "-q", "main")
    git(shop.root, "merge", "-q", "--no-ff", "-m", "merge the change", "change")
    shop.release("1.0.0", commit=change)
    shop.command("rollout")
    shutil.rmtree(shop.root / "dist")

    [record] = audit(shop)
    assert (record["format"], record["record"]) == ("edgewright-audit/1", "period")
    assert (record["device"], record["version"], record["outcome"], record["to"]) == (
        "counter-0",
        "1.0.0",
        "confirmed",
        None,
    )
    assert record["statement"]["verified"] is True
    assert record["statement"]["signed_by"] == "edgewright"
    assert record["commit"]["id"] == change
    assert record["commit"]["author"]["who"] == "Ole Ek <ole@example.org>"
    assert record["commit"]["merge"] == git(shop.root, "rev-parse", "HEAD")
    assert record["commit"]["merged_by"]["who"] == "Rita Berg <rita@example.org>"
    assert [(g["metric"], g["verdict"], g["where"]) for g in record["gates"]] == [("cosine_mean", "pass", "build")]
    [before] = audit(shop, "--device", "counter-0", "--at", "2020-01-01T12:00Z")
    assert (before["record"], before["at"]) == ("nothing-known", "2020-01-01T12:00:00Z")
    [now] = audit(shop, "--device", "counter-0", "--at", "2999-01-01")
    assert now["release"] == V1

    statement = shop.root / ".edgewright" / "evidence" / "sha256" / record["statement"]["digest"].partition(":")[2]
    statement.chmod(0o644)
    statement.write_bytes(statement.read_bytes().replace(b"shops", b"shopz"))
    [tampered] = audit(shop, expect=3)
    assert (tampered["statement"]["verified"], tampered["commit"], tampered["gates"]) == (False, None, [])
