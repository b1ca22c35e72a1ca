"""What a device refuses, and that it is left as it was."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.device_release import (
    Signer,
    TestDevice,
    build_artifact,
    build_release,
    build_wheel,
    rfc3339,
)
from tests.unit.device.conftest import ReleaseMaker

Edit = Callable[[dict[str, Any]], None]


def _snapshot(root: Path) -> dict[str, str]:
    """Every name below the root with what it is, except the lock and what was pushed."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if name.split("/")[0] in ("incoming", "lock"):
            continue
        found[name] = (
            str(path.readlink()) if path.is_symlink() else str(path.stat().st_size if path.is_file() else "folder")
        )
    return found


def _set(*keys: str, to: Any) -> Edit:
    def edit(document: dict[str, Any]) -> None:
        place = document
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = to

    return edit


def _layer(number: int, key: str, value: Any) -> Edit:
    def edit(manifest: dict[str, Any]) -> None:
        if key.startswith("dev."):
            manifest["layers"][number]["annotations"][key] = value
        else:
            manifest["layers"][number][key] = value

    return edit


STATEMENTS: list[tuple[str, str, Edit]] = [
    ("expired", "release-expired", _set("predicate", "expires", to=rfc3339(time.time() - 5))),
    ("from the future", "clock-behind", _set("predicate", "created", to=rfc3339(time.time() + 10 * 86400))),
    ("another fleet", "release-for-other-fleet", _set("predicate", "fleet", to="clinics")),
    ("another blueprint", "release-for-other-blueprint", _set("predicate", "blueprint", to="other")),
    ("no variant for the target", "release-for-other-target", _set("predicate", "targets", to={})),
    ("another manifest digest", "statement-invalid", _set("subject", to=[])),
    ("another type", "statement-invalid", _set("_type", to="https://example.org")),
    ("a number that is not the version's", "statement-invalid", _set("predicate", "release", to=7)),
    ("a release that is text", "statement-invalid", _set("predicate", "release", to="1000000")),
    ("a version that is none", "statement-invalid", _set("predicate", "version", to="one")),
    ("a time that is none", "statement-invalid", _set("predicate", "expires", to="tomorrow")),
    ("no blobs", "manifest-mismatch", _set("predicate", "targets", "test-target", "blobs", to=[])),
]


@pytest.mark.parametrize(("slug", "edit"), [s[1:] for s in STATEMENTS], ids=[s[0] for s in STATEMENTS])
def test_a_validly_signed_statement_is_refused(slug: str, edit: Edit, device: TestDevice, make: ReleaseMaker) -> None:
    incoming = str(device.push(make(edit_statement=edit)))
    device.run("observe")
    for command in ("need", "stage"):
        answer = device.refused(slug, command, "--incoming", incoming)
        assert answer["error"]["message"]
    assert device.run("observe")["state"] == "idle"
    assert not any((device.root / "releases").iterdir())


PATHS = [
    "/etc/passwd",
    "artifact/../../etc/passwd",
    "artifact/./x",
    "artifact//x",
    "artifact",
    "site/x.py",
    "artifact/a b",
    "artifact/a\nb",
    "artifact/-x",
    "artifact/\u202ex",
    "..",
    "",
]
MANIFESTS: list[tuple[str, Edit]] = [
    *((f"path {path!r}", _layer(0, "dev.edgewright.path", path)) for path in PATHS),
    ("path twice", lambda m: m["layers"][1]["annotations"].update({"dev.edgewright.path": "artifact/artifact.json"})),
    ("a file as folder", _layer(1, "dev.edgewright.path", "artifact/artifact.json/x")),
    ("mode setuid", _layer(0, "dev.edgewright.mode", "4755")),
    ("mode absent", lambda m: m["layers"][0]["annotations"].pop("dev.edgewright.mode")),
    ("size negative", _layer(0, "size", -1)),
    ("size of another", _layer(0, "size", 12345)),
    ("size huge", _layer(0, "size", 2**60)),
    ("digest short", _layer(0, "digest", "sha256:00")),
    ("digest unknown to the statement", _layer(0, "digest", "sha256:" + "a" * 64)),
    ("layers as text", _set("layers", to="x")),
    ("layers with a number", _set("layers", to=[1])),
    ("another artifact type", _set("artifactType", to="application/x")),
]


@pytest.mark.parametrize("edit", [m[1] for m in MANIFESTS], ids=[m[0] for m in MANIFESTS])
def test_a_validly_signed_manifest_is_refused(edit: Edit, device: TestDevice, make: ReleaseMaker) -> None:
    def with_true_blobs(manifest: dict[str, Any]) -> None:
        edit(manifest)

    incoming = str(device.push(make(edit_manifest=with_true_blobs)))
    device.refused("manifest-mismatch", "need", "--incoming", incoming)
    assert not any((device.root / "releases").iterdir())


def test_a_manifest_of_another_target_is_refused(device: TestDevice, make: ReleaseMaker) -> None:
    edit = _set("annotations", "dev.edgewright.target", to="other-target")
    device.refused("release-for-other-target", "need", "--incoming", str(device.push(make(edit_manifest=edit))))


def test_a_release_signed_by_a_stranger_is_refused(device: TestDevice, make: ReleaseMaker, tmp_path: Path) -> None:
    stranger = Signer.create(tmp_path / "stranger")
    answer = device.refused("signature-invalid", "need", "--incoming", str(device.push(make(signed_by=stranger))))
    assert "edgewright" in answer["error"]["message"]


def test_a_signature_under_another_principal_is_refused(device: TestDevice, make: ReleaseMaker) -> None:
    device.write_options(principal="somebody-else")
    device.refused("signature-invalid", "need", "--incoming", str(device.push(make())))


@pytest.mark.parametrize("name", ["statement.json", "statement.json.sig", "manifest.json"])
def test_a_document_changed_after_signing_is_refused(name: str, device: TestDevice, make: ReleaseMaker) -> None:
    incoming = device.push(make())
    content = bytearray((incoming / name).read_bytes())
    content[len(content) // 2] ^= 1
    (incoming / name).write_bytes(content)
    slug = "manifest-mismatch" if name == "manifest.json" else "signature-invalid"
    device.refused(slug, "stage", "--incoming", str(incoming))


@pytest.mark.parametrize("name", ["statement.json", "statement.json.sig", "manifest.json"])
@pytest.mark.parametrize("damage", ["absent", "link", "pipe", "huge"])
def test_a_document_that_is_no_small_file_is_refused(
    name: str, damage: str, device: TestDevice, make: ReleaseMaker
) -> None:
    incoming = device.push(make())
    path = incoming / name
    path.unlink()
    if damage == "link":
        path.symlink_to("/etc/hostname")
    elif damage == "pipe":
        os.mkfifo(path)
    elif damage == "huge":
        with path.open("wb") as file:
            file.truncate(1 << 30)
    answer = device.run("need", "--incoming", str(incoming), expect=3)
    assert answer["error"]["slug"] in ("statement-invalid", "signature-invalid", "manifest-mismatch")


def test_a_tampered_blob_is_refused_and_removed_and_can_be_pushed_again(device: TestDevice, make: ReleaseMaker) -> None:
    release = make()
    incoming = str(device.push(release))
    victim = max(release.blobs, key=lambda digest: len(release.blobs[digest]))
    path = device.root / "incoming" / "blobs" / victim
    content = bytearray(path.read_bytes())
    content[100] ^= 0xFF
    path.write_bytes(content)
    answer = device.refused("blob-tampered", "stage", "--incoming", incoming)
    assert victim in answer["error"]["message"]
    assert not path.exists()
    assert not any((device.root / "releases").iterdir())
    device.push_blobs(release, [victim])
    assert device.run("stage", "--incoming", incoming)["state"] == "staged"


@pytest.mark.parametrize("damage", ["short", "long", "link", "folder", "two names", "absent"])
def test_a_blob_that_is_not_the_promised_file_is_refused(damage: str, device: TestDevice, make: ReleaseMaker) -> None:
    release = make()
    incoming = str(device.push(release))
    victim = max(release.blobs, key=lambda digest: len(release.blobs[digest]))
    path = device.root / "incoming" / "blobs" / victim
    content = path.read_bytes()
    if damage in ("short", "long"):
        path.write_bytes(content[:-1] if damage == "short" else content + b"x")
    elif damage == "two names":
        os.link(path, device.root / "second-name")
    else:
        path.unlink()
        if damage == "link":
            (device.root / "elsewhere").write_bytes(content)
            path.symlink_to(device.root / "elsewhere")
        elif damage == "folder":
            path.mkdir()
    answer = device.run("stage", "--incoming", incoming, expect=3)
    assert answer["error"]["slug"] in ("blob-tampered", "blob-missing")
    assert not any((device.root / "releases").iterdir())


def test_a_staged_file_changed_on_disk_is_not_activated(device: TestDevice, make: ReleaseMaker) -> None:
    device.roll_out(make("1.0.0"))
    device.stage(make("1.1.0", artifact="slow"))
    path = device.root / "releases" / "1001000" / "artifact" / "model" / "encoder_8.so"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.unlink()
    path.write_bytes(content)
    before = _snapshot(device.root)
    device.refused("blob-tampered", "activate", "--release", "1001000")
    assert _snapshot(device.root) == before


def test_a_statement_swapped_after_staging_is_not_activated(device: TestDevice, make: ReleaseMaker) -> None:
    device.stage(make("1.0.0"))
    other = make("1.1.0")
    for name in ("statement.json", "statement.json.sig", "manifest.json"):
        shutil.copyfile(other.folder / name, device.root / "releases" / "1000000" / name)
    device.refused("statement-invalid", "activate", "--release", "1000000")


def test_an_older_release_is_refused_also_after_a_rollback(device: TestDevice, make: ReleaseMaker) -> None:
    device.roll_out(make("1.0.0"))
    device.roll_out(make("1.2.0"))
    older = str(device.push(make("1.1.0")))
    device.refused("release-older", "need", "--incoming", older)
    device.refused("release-older", "stage", "--incoming", older)
    device.run("rollback")
    device.refused("release-older", "stage", "--incoming", older)
    assert device.run("observe")["highest_confirmed"] == 1002000


def test_a_release_that_expired_after_staging_is_not_activated(device: TestDevice, make: ReleaseMaker) -> None:
    soon = time.time() + 2
    device.stage(make(edit_statement=_set("predicate", "expires", to=rfc3339(soon))))
    time.sleep(max(0.0, soon - time.time()) + 0.1)
    device.refused("release-expired", "activate", "--release", "1000000")


def test_the_same_number_with_other_content_is_refused_once_it_runs(device: TestDevice, make: ReleaseMaker) -> None:
    device.stage(make("1.0.0"))
    device.roll_out(make("1.0.0", artifact="slow"))
    device.refused("release-conflict", "stage", "--incoming", str(device.push(make("1.0.0"))))


def test_what_is_not_staged_is_not_activated(device: TestDevice) -> None:
    device.refused("not-staged", "activate", "--release", "5")
    device.refused("nothing-to-confirm", "confirm", "--release", "5")
    device.refused("nothing-to-revert", "revert")
    device.refused("service-unhealthy", "health")


GATES = [
    ({"metric": "latency_median", "max": 0.1}, "latency-exceeded"),
    ({"metric": "peak_memory", "max": 1000}, "memory-exceeded"),
    ({"metric": "decode_rate", "min": 8}, "gate-inconclusive"),
]


@pytest.mark.parametrize(("gate", "slug"), GATES, ids=[slug for _, slug in GATES])
def test_a_red_gate_on_the_device_is_unhealthy(
    gate: dict[str, Any], slug: str, device: TestDevice, make: ReleaseMaker
) -> None:
    device.stage(make(artifact="slow"))
    device.write_options(gates=[gate])
    device.run("activate", "--release", "1000000")
    answer = device.refused(slug, "health", expect=4)
    assert answer["gates"][0]["verdict"] in ("fail", "inconclusive")
    device.refused("not-healthy", "confirm", "--release", "1000000")


def test_an_artifact_for_another_architecture_is_unhealthy(device: TestDevice, tmp_path: Path, signer: Signer) -> None:
    artifact = build_artifact(tmp_path / "foreign", architecture="riscv64")
    release = build_release(tmp_path / "release", signer, artifact)
    device.stage(release)
    device.run("activate", "--release", "1000000")
    device.refused("service-unhealthy", "health", "--wait", "2", expect=4)
    assert "release-for-other-target" in (device.root / "run" / "service.log").read_text()


OPTIONS: list[tuple[str, dict[str, Any]]] = [
    ("unknown key", {"colour": "red"}),
    ("blueprint not kebab-case", {"blueprint": "De mo"}),
    ("port too large", {"listen": {"host": "127.0.0.1", "port": 70000}}),
    ("host with a line break", {"listen": {"host": "127.0.0.1\nx", "port": 8080}}),
    ("supervisor unknown", {"supervisor": "launchd"}),
    ("gate without a bound", {"gates": [{"metric": "latency_median"}]}),
    ("threads as text", {"threads": "2"}),
]


@pytest.mark.parametrize("changes", [o[1] for o in OPTIONS], ids=[o[0] for o in OPTIONS])
def test_options_that_are_wrong_are_refused(changes: dict[str, Any], device: TestDevice, make: ReleaseMaker) -> None:
    device.write_options(**changes)
    device.refused("options-invalid", "need", "--incoming", str(device.push(make())))


def test_a_missing_ssh_keygen_is_missing_not_invalid(
    device: TestDevice, make: ReleaseMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    incoming = str(device.push(make()))
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    device.refused("tool-missing", "need", "--incoming", incoming, expect=7)


@pytest.mark.parametrize("what", ["nothing", "link"])
def test_a_device_without_a_list_of_signers_lacks_something(what: str, device: TestDevice, make: ReleaseMaker) -> None:
    incoming = str(device.push(make()))
    signers = device.root / "allowed_signers"
    elsewhere = signers.rename(device.root / "elsewhere")
    if what == "link":
        signers.symlink_to(elsewhere)
    device.refused("signers-missing", "need", "--incoming", incoming, expect=7)


def test_a_damaged_record_is_refused_not_forgotten(device: TestDevice, make: ReleaseMaker) -> None:
    device.roll_out(make())
    (device.root / "state.json").write_text('{"schema": 1}')
    device.refused("state-invalid", "stage", "--incoming", str(device.push(make("1.1.0"))))
    device.refused("state-invalid", "observe")


def test_a_second_run_waits_and_then_says_busy(device: TestDevice) -> None:
    with (device.root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        device.refused("busy", "gc", "--lock-wait", "0.2")
        assert device.run("observe")["ok"] is True


def test_a_wrong_command_line_exits_2(device: TestDevice) -> None:
    for arguments in ([], ["fly"], ["activate"], ["activate", "--release", "-1"], ["confirm", "--release", "x"]):
        assert subprocess.run(device.command(*arguments), capture_output=True, check=False).returncode == 2


def test_relative_paths_start_where_the_agent_is_started(device: TestDevice, make: ReleaseMaker) -> None:
    release = make()
    incoming = device.push(release).relative_to(device.root)
    command = [device.python, "-I", "-B", str(device.agent), "stage", "--root", ".", "--incoming", str(incoming)]
    done = subprocess.run(command, cwd=device.root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert device.run("observe")["staged"] == release.number
    elsewhere = subprocess.run(command, cwd=device.root.parent, capture_output=True, text=True, check=False)
    assert (elsewhere.returncode, json.loads(elsewhere.stdout)["ok"]) == (3, False)


def test_a_path_relative_to_a_folder_that_is_gone_exits_2(device: TestDevice, tmp_path: Path) -> None:
    gone = 'mkdir "$1" && cd "$1" && rmdir "$1" && shift && exec "$@"'
    command = ["sh", "-c", gone, "sh", str(tmp_path / "gone"), *device.command("observe", "--root", "here")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "here is relative to a folder that is gone" in done.stderr


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 40 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"a tmpfs cannot be mounted here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def _fill(folder: Path, leave_bytes: int) -> Path:
    path = folder / "ballast"
    status = os.statvfs(folder)
    left = max(0, status.f_bavail * status.f_frsize - leave_bytes)
    with path.open("wb", buffering=0) as ballast:
        while left > 0:
            try:
                left -= ballast.write(b"\0" * min(left, 1 << 16))
            except OSError as full:  # the service wrote to its log meanwhile: full is what was asked for
                assert full.errno == errno.ENOSPC
                break
    return path


def test_a_full_disk_is_refused_before_the_first_byte(
    small_disk: Path, parts: Path, signer: Signer, make: ReleaseMaker
) -> None:
    device = TestDevice(small_disk / "root", parts / "edgewright-agent.pyz", signer).prepare()
    release = make()
    incoming = str(device.push(release, blobs=False))
    ballast = _fill(small_disk, 8 * 2**20)
    answer = device.refused("disk-full", "need", "--incoming", incoming)
    assert "are free" in answer["error"]["message"]
    ballast.unlink()
    assert device.run("need", "--incoming", incoming)["ok"] is True


def test_a_disk_that_fills_up_while_unpacking_leaves_nothing_behind(
    small_disk: Path, parts: Path, signer: Signer, make: ReleaseMaker, tmp_path: Path
) -> None:
    wheel = build_wheel(tmp_path / "big-1.0-py3-none-any.whl", {"big.bin": b"\0" * (30 * 2**20)})
    device = TestDevice(small_disk / "root", parts / "edgewright-agent.pyz", signer).prepare()
    device.roll_out(make("1.0.0"))
    before = device.state()
    incoming = str(device.push(make("1.1.0", wheels=(wheel,))))
    device.refused("disk-full", "stage", "--incoming", incoming)
    assert [path.name for path in (device.root / "releases").iterdir()] == ["1000000"]
    assert device.state() == before
    assert device.run("health")["ok"] is True
    device.stop()


def test_a_full_disk_does_not_stop_a_revert(small_disk: Path, parts: Path, signer: Signer, make: ReleaseMaker) -> None:
    device = TestDevice(small_disk / "root", parts / "edgewright-agent.pyz", signer).prepare()
    device.roll_out(make("1.0.0"))
    device.stage(make("1.1.0"))
    device.run("activate", "--release", "1001000")
    _fill(small_disk, 0)
    answer = device.run("revert", "--release", "1001000")
    assert (answer["state"], answer["current"]) == ("reverted", 1000000)
    device.stop()


def test_the_agent_says_its_own_bugs_as_json(device: TestDevice, tmp_path: Path) -> None:
    """A layout nobody thought of: the store is a file."""
    (device.root / "store").write_text("not a folder")
    answer = device.run("gc", expect=1)
    assert answer["error"]["slug"] == "agent-bug"
