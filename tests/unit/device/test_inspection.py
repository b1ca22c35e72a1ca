"""What a device says about its own files, and how a damaged release becomes whole again."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.device_release import ReleaseFolder, TestDevice, build_wheel, until
from tests.unit.device.conftest import ReleaseMaker

from edgewright.device.inspection import Inspection, inspect_files
from edgewright.device.layout import Layout
from edgewright.device.options import read_options
from edgewright.device.verify import verify_installed

V1 = 1_000_000
HERE = f"releases/{V1}"
MODULE = b"VALUE = 1\n" * 200_000
Damage = Callable[[Path], object]


@pytest.fixture
def release(device: TestDevice, make: ReleaseMaker, tmp_path: Path) -> ReleaseFolder:
    """A confirmed release with two wheels, one of which brings a file of the other."""
    (tmp_path / "wheels").mkdir()
    first = build_wheel(
        tmp_path / "wheels" / "tiny-1-py3-none-any.whl",
        {"tiny/__init__.py": MODULE, "tiny/empty.py": b"", "shared/__init__.py": b"", "tiny-1.data/scripts/x": b"no"},
    )
    second = build_wheel(
        tmp_path / "wheels" / "other-1-py3-none-any.whl", {"shared/__init__.py": b"", "other.py": b"1"}
    )
    made = make(agent=device.agent, wheels=(first, second))
    device.roll_out(made)
    return made


def files(device: TestDevice, *arguments: str) -> dict[str, Any]:
    found = device.run("observe", "--files", *arguments)["files"]
    assert isinstance(found, dict)
    return found


def findings(device: TestDevice) -> dict[str, str]:
    return {entry["path"]: entry["what"] for entry in files(device)["findings"]}


def flip(path: Path) -> None:
    """Change one byte in the middle, and nothing else that shows."""
    status, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    with path.open("r+b") as stream:
        stream.write(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def relink(path: Path) -> None:
    """The right bytes, through a link."""
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def test_an_untouched_release_is_as_signed(device: TestDevice, release: ReleaseFolder) -> None:
    before = device.state()
    answer = device.run("observe", "--files")
    found = answer["files"]
    assert (found["complete"], found["findings"], found["more"], found["error"]) == (True, [], 0, None)
    assert found["checked_bytes"] > len(MODULE)
    assert answer["ready"] is True
    documents = answer["documents"]
    assert documents["options"] == documents["applied"]
    assert len(documents["signers"]) == 64
    assert device.state() == before
    assert "files" not in device.run("observe")


DAMAGES: dict[str, tuple[str, Damage, dict[str, str]]] = {
    "a flipped bit in the model": ("artifact/model/weights.bin", flip, {"artifact/model/weights.bin": "changed"}),
    "a flipped bit in the agent that serves": (
        "agent/edgewright-agent.pyz",
        flip,
        {"agent/edgewright-agent.pyz": "changed"},
    ),
    "a flipped bit in an unpacked wheel": ("site/tiny/__init__.py", flip, {"site/tiny/__init__.py": "changed"}),
    "something added to an empty file": (
        "site/tiny/empty.py",
        lambda path: path.write_text("import os"),
        {"site/tiny/empty.py": "changed"},
    ),
    "a file that is gone": ("artifact/artifact.json", Path.unlink, {"artifact/artifact.json": "missing"}),
    "a file too many": (
        "site/sitecustomize.py",
        lambda path: path.write_text("1"),
        {"site/sitecustomize.py": "extra"},
    ),
    "a folder too many": ("artifact/more", Path.mkdir, {"artifact/more": "extra"}),
    "a link to the same bytes": (
        "artifact/test_vector.json",
        relink,
        {"artifact/test_vector.json": "link", "artifact/elsewhere": "extra"},
    ),
    "a pipe": ("site/tiny/empty.py", pipe, {"site/tiny/empty.py": "changed"}),
    "a manifest of somebody else": (
        "manifest.json",
        lambda path: path.write_text("{}"),
        {"statement.json": "unsigned"},
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_damage_is_found_and_repaired(
    damage: str, device: TestDevice, release: ReleaseFolder, tmp_path: Path
) -> None:
    where, hurt, expected = DAMAGES[damage]
    hurt(device.root / HERE / where)
    assert findings(device) == {f"{HERE}/{path}": what for path, what in expected.items()}
    repair(device, release)
    assert findings(device) == {}
    assert (device.current(), device.confirmed(), device.state()["denied"]) == (V1, V1, {})
    assert device.run("observe")["state"] == "confirmed"
    leftovers = [path.name for path in (device.root / "releases").iterdir() if path.name.startswith(".")]
    assert leftovers == []


def repair(device: TestDevice, release: ReleaseFolder) -> None:
    """As the controller does it: documents, what is asked for, stage, activate, check, confirm."""
    incoming = str(device.push(release, blobs=False))
    need = device.run("need", "--incoming", incoming, "--repair")
    device.push_blobs(release, [entry["digest"].partition(":")[2] for entry in need["missing"]])
    device.run("stage", "--incoming", incoming, "--repair")
    device.run("activate", "--release", str(release.number))
    device.run("health")
    device.run("confirm", "--release", str(release.number))


def test_a_changed_agent_is_found_by_its_name(device: TestDevice, release: ReleaseFolder) -> None:
    name = f"agent/{'0' * 64}.pyz"
    (device.root / name).write_text("print('{}')")
    assert findings(device) == {name: "changed"}


def test_a_damaged_wheel_in_the_store_leaves_the_inspection_incomplete(
    device: TestDevice, release: ReleaseFolder
) -> None:
    blob = next(path for path in (device.root / "store" / "sha256").iterdir() if path.read_bytes()[:2] == b"PK")
    flip(blob)
    found = files(device)
    assert not found["complete"]
    repair(device, release)
    assert files(device)["complete"]


def test_findings_are_capped_and_counted(device: TestDevice, release: ReleaseFolder) -> None:
    for number in range(100):
        (device.root / HERE / "site" / f"extra-{number}").touch()
    found = files(device)
    assert (len(found["findings"]), found["more"]) == (32, 68)


def test_an_inspection_out_of_time_says_that_it_is_not_complete(device: TestDevice, release: ReleaseFolder) -> None:
    layout = Layout(device.root)
    seen = Inspection(deadline=0.0)
    inspect_files(layout, verify_installed(layout, read_options(layout), V1), seen)
    assert (seen.is_complete, seen.findings, seen.checked_files) == (False, [], 0)


def test_repairing_what_is_whole_changes_nothing(device: TestDevice, release: ReleaseFolder) -> None:
    before, pid = device.state(), device.supervisor_pid()
    inode = (device.root / HERE).stat().st_ino
    incoming = str(device.push(release, blobs=False))
    assert device.run("need", "--incoming", incoming, "--repair")["missing"] == []
    assert device.run("stage", "--incoming", incoming, "--repair")["changed"] is False
    assert device.run("activate", "--release", str(V1))["changed"] is False
    assert (device.state(), device.supervisor_pid(), (device.root / HERE).stat().st_ino) == (before, pid, inode)


def test_a_stopped_service_runs_again_after_a_repair(device: TestDevice, release: ReleaseFolder) -> None:
    device.stop()
    assert device.run("observe", "--files")["service"] == {"up": False, "release": None}
    repair(device, release)
    assert device.run("observe")["service"] == {"up": True, "release": V1}


def test_other_options_take_effect_when_they_are_confirmed(device: TestDevice, release: ReleaseFolder) -> None:
    device.write_options(confirm_timeout_s=30)
    told = device.run("observe", "--files")["documents"]
    assert told["options"] != told["applied"]
    repair(device, release)
    told = device.run("observe", "--files")["documents"]
    assert told["options"] == told["applied"]


def test_a_renewal_that_fails_goes_back_to_the_options_before(device: TestDevice, release: ReleaseFolder) -> None:
    before = (device.root / "device.json").read_bytes()
    device.write_options(memory_max_bytes=2**20)  # far too little for any interpreter
    incoming = str(device.push(release, blobs=False))
    device.run("stage", "--incoming", incoming, "--repair")
    activated = device.run("activate", "--release", str(V1))
    assert (activated["state"], activated["current"], activated["confirmed"]) == ("active-unconfirmed", V1, V1)
    device.refused("service-unhealthy", "health", expect=4)
    device.run("revert", "--release", str(V1), "--reason", "health-failed")
    assert (device.root / "device.json").read_bytes() == before
    until(lambda: device.run("observe")["service"] == {"up": True, "release": V1}, 20, "the release serves again")
    state = device.state()
    assert (device.run("observe")["state"], state["denied"]) == ("reverted", {})
    assert state["reverted"]["message"].startswith("service-unhealthy: the service of release")
    device.refused("confirm-too-late", "confirm", "--release", str(V1))
    device.stage(release)
    device.run("confirm", "--release", str(V1))


def test_a_renewal_nobody_confirms_is_left(device: TestDevice, release: ReleaseFolder) -> None:
    before = (device.root / "device.json").read_bytes()
    device.write_options(threads=2)
    device.run("stage", "--incoming", str(device.push(release, blobs=False)), "--repair")
    device.run("activate", "--release", str(V1), "--confirm-timeout", "3")
    until(lambda: device.run("observe")["state"] == "reverted", 10, "the device went back")
    assert (device.current(), device.confirmed(), (device.root / "device.json").read_bytes()) == (V1, V1, before)


def test_a_release_of_the_same_number_and_other_content_is_a_conflict(
    device: TestDevice, release: ReleaseFolder, make: ReleaseMaker
) -> None:
    other = make(artifact="slow", agent=device.agent)
    device.refused("release-conflict", "stage", "--incoming", str(device.push(other)), "--repair")
    assert findings(device) == {}


def test_a_device_with_a_broken_record_of_options_still_tells_of_its_files(
    device: TestDevice, release: ReleaseFolder
) -> None:
    (device.root / "device.json").write_text("{")
    answer = device.run("observe", "--files")
    assert answer["files"]["error"]["slug"] == "options-invalid"
    assert answer["service"] == {"up": False, "release": None}


def test_the_cause_of_a_revert_is_what_the_device_found(device: TestDevice, make: ReleaseMaker) -> None:
    device.roll_out(make("1.0.0"))
    device.stage(make("1.1.0", artifact="wrong"))
    device.run("activate", "--release", "1001000")
    device.refused("vector-mismatch", "health", expect=4)
    device.run("revert", "--release", "1001000", "--reason", "health-failed")
    left = device.state()["reverted"]
    assert left["slug"] == "health-failed"
    assert left["message"].startswith("vector-mismatch: the test vector is not reproduced")
    assert json.dumps(left["message"]) in json.dumps(device.state()["denied"])


def test_a_service_killed_for_good_is_seen(device: TestDevice, release: ReleaseFolder) -> None:
    device.stop(signal.SIGKILL)
    until(lambda: device.run("observe", "--files")["ready"] is False, 20, "the service is gone")
