"""`lock` from end to end over an index of loopback: what it writes, keeps, asks for again and finds wrong."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from tests.unit.lock.conftest import Publish, change, lock, lock_lines
from tests.unit.sources.server import Site

from edgewright.cli.main import run
from edgewright.load.documents import load_repository
from edgewright.lock.document import LockView
from edgewright.spec.v1beta1.lock import Lock

ANOTHER = '{"id": "hours", "text": "At ten."}\n{"query": "when?", "passage": "hours"}\n'


def _lock(root: Path) -> Lock:
    return load_repository(root).locks["assistant"].document


def _entries(root: Path) -> dict[str, str]:
    return {f"{e.kind} {e.name}": e.own_digest for e in _lock(root).spec.entries}


def test_everything_that_is_named_is_locked_with_digest_size_and_licence(locked: Path) -> None:
    found = _lock(locked).spec.entries
    assert [f"{e.kind} {e.name}" for e in found] == [
        "dataset data/questions.jsonl",
        "model model",
        "runtime onnxruntime/aarch64-glibc2.36-py3.11",
        "runtime onnxruntime/x86_64-glibc2.36-py3.11",
        "tool environment/onnx",
    ]
    model = LockView(_lock(locked)).entry("model", "model")
    assert model is not None
    assert model.license == "Apache-2.0"
    wheels = [file for entry in found if entry.kind == "runtime" for file in entry.files]
    assert {file.license for file in wheels} == {"Apache-2.0"}
    assert all(file.size > 0 for entry in found for file in entry.files)
    assert found[0].license_note == "none is stated"


def test_the_same_request_gives_the_same_bytes_and_asks_nobody(
    locked: Path, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (locked / "assistant.lock.yaml").stat()
    site.seen.clear()
    assert lock() == 0
    assert "is current" in capsys.readouterr().out
    assert site.seen == []
    after = (locked / "assistant.lock.yaml").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_only_what_changed_is_resolved_again(locked: Path, site: Site) -> None:
    before, lines = _entries(locked), lock_lines(locked)
    change(locked, "x86-64-v3", "intel-n100")
    change(locked, "x86-64-v3", "intel-n100", "fleet.yaml")
    (locked / "data" / "questions.jsonl").write_text(ANOTHER, encoding="utf-8")
    site.seen.clear()
    assert lock() == 0
    after = _entries(locked)
    assert {name for name in after if after[name] != before.get(name)} == {"dataset data/questions.jsonl"}
    assert not any("tiny" in seen.path for seen in site.seen)
    assert len(set(lines) - set(lock_lines(locked))) <= 5


def test_a_target_that_is_no_longer_built_leaves_the_lock(locked: Path) -> None:
    change(locked, "targets: [x86-64-v3, raspberry-pi-5-8g]", "targets: [raspberry-pi-5-8g]")
    change(locked, "x86-64-v3", "raspberry-pi-5-8g", "fleet.yaml")
    assert lock() == 0
    assert [e.name for e in _lock(locked).spec.entries if e.kind == "runtime"] == [
        "onnxruntime/aarch64-glibc2.36-py3.11"
    ]


def test_a_new_build_on_the_index_is_taken_when_it_is_asked_for(locked: Path, index: Publish) -> None:
    index("numpy", "tokenizers")
    lines = lock_lines(locked)
    assert lock() == 0
    assert lock_lines(locked) == lines
    assert lock("--upgrade", "numpy") == 0
    changed = set(lock_lines(locked)) - set(lines)
    names = sorted(line.split(": ")[1] for line in changed if "- name: " in line)
    assert [name.split("-")[0] for name in names] == ["numpy", "numpy"]
    assert all("manylinux_2_35" in name for name in names)
    # two entries, each with one file of another name and digest, and with another digest of its own
    assert len(changed) == 2 * 3


@pytest.mark.parametrize("pattern", ["onnxruntime/aarch64*", "onnxruntime/aarch64-glibc2.36-py3.11"])
def test_an_entry_can_be_asked_for_as_a_whole(locked: Path, index: Publish, pattern: str) -> None:
    index("numpy", "tokenizers")
    before = _entries(locked)
    assert lock("--upgrade", pattern) == 0
    after = _entries(locked)
    assert {n for n in after if after[n] != before[n]} == {"runtime onnxruntime/aarch64-glibc2.36-py3.11"}
    entry = next(e for e in _lock(locked).spec.entries if "aarch64" in e.name)
    assert sum("manylinux_2_35" in file.name for file in entry.files) == 2


@pytest.mark.parametrize("name", ["nunpy", "--index-url=http://x", "$(touch pwned)", "../../etc", "{{ x }}", "a\nb"])
def test_a_name_that_is_in_no_lock_is_a_wrong_command(
    locked: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = lock_lines(locked)
    assert lock(f"--upgrade={name}") == 2
    assert "unknown-entry" in capsys.readouterr().err
    assert lock_lines(locked) == lines


def test_check_and_upgrade_exclude_each_other(locked: Path) -> None:
    assert lock("--check", "--upgrade", "numpy") == 2


def test_check_is_offline_and_changes_nothing(locked: Path, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    lines = lock_lines(locked)
    site.seen.clear()
    assert lock("--check") == 0
    assert capsys.readouterr().out == "assistant.lock.yaml is current\n"
    assert site.seen == []
    assert lock_lines(locked) == lines


def test_check_says_every_difference_at_its_line(locked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(locked, "version: '1.0', file", "version: '1.1', file")
    (locked / "data" / "questions.jsonl").write_text(ANOTHER, encoding="utf-8")
    assert lock("--check") == 3
    said = capsys.readouterr().err
    lines = lock_lines(locked)
    requests = [number for number, line in enumerate(lines, 1) if line.strip() == "request:"]
    assert f"--> fleet/assistant.lock.yaml:{requests[0]}:5" in said
    assert f"--> fleet/assistant.lock.yaml:{requests[1]}:5" in said
    assert "version: locked 1.0, asked for 1.1" in said
    assert said.count("error: lock-stale") == 2


def test_check_points_into_the_blueprint_at_what_is_not_locked(
    locked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = lock_lines(locked)
    start = next(i for i, line in enumerate(lines) if line.strip() == "- kind: runtime")
    end = next(i for i, line in enumerate(lines[start + 1 :], start + 1) if line.strip().startswith("- kind:"))
    (locked / "assistant.lock.yaml").write_text("\n".join(lines[:start] + lines[end:]) + "\n", encoding="utf-8")
    assert lock("--check") == 3
    said = capsys.readouterr().err
    assert "runtime onnxruntime/aarch64-glibc2.36-py3.11 is not locked" in said
    assert "--> fleet/blueprint.yaml:10:51" in said


def test_a_missing_lock_is_told_at_the_blueprint(fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lock("--check") == 3
    said = capsys.readouterr().err
    assert "lock-missing" in said
    assert "--> fleet/blueprint.yaml:3:18" in said


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("size: 700", "size: 701"),
        ("license: Apache-2.0\n    files", "license: MIT\n    files"),
        ("- name: tiny_model/model/sub/weights.safetensors", "- name: tiny_model/model/sub/other.safetensors"),
    ],
)
def test_an_entry_that_a_hand_edited_is_found_and_mended(
    locked: Path, before: str, after: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (locked / "assistant.lock.yaml").read_text(encoding="utf-8")
    change(locked, before, after, "assistant.lock.yaml")
    assert lock("--check") == 3
    assert "lock-edited" in capsys.readouterr().err
    assert lock() == 0
    assert (locked / "assistant.lock.yaml").read_text(encoding="utf-8") == text


def test_a_digest_of_the_wrong_form_is_found_and_mended(locked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (locked / "assistant.lock.yaml").read_text(encoding="utf-8")
    change(locked, "digest: sha256:", "digest: SHA256:", "assistant.lock.yaml")
    assert lock("--check") == 3
    assert "wrong-form" in capsys.readouterr().err
    assert lock() == 0
    assert (locked / "assistant.lock.yaml").read_text(encoding="utf-8") == text


def test_sizes_that_contradict_each_other_are_found_without_a_digest_of_the_entry(
    locked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [line for line in lock_lines(locked) if "contentDigest" not in line and "licenseNote" not in line]
    text = "\n".join(lines) + "\n"
    digest = next(line.split(": ")[1] for line in lines if "digest: sha256:" in line and "      digest" in line)
    extra = f"    - name: again.jsonl\n      digest: {digest}\n      size: 1\n  - kind: model"
    (locked / "assistant.lock.yaml").write_text(text.replace("  - kind: model", extra, 1), encoding="utf-8")
    assert lock("--check") == 3
    said = capsys.readouterr().err
    assert "lock-edited" in said
    assert "again.jsonl has 1 bytes" in said


def test_a_lock_of_the_first_format_is_read_and_is_current(locked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = lock_lines(locked)
    tools = next(i for i, line in enumerate(lines) if line.strip() == "- kind: tool")
    words = ("contentDigest", "licenseNote", "      license:")
    old = [line for line in lines[:tools] if not any(word in line for word in words)]
    old = [line.replace("edgewright/v1beta1", "edgewright/v1alpha1") for line in old]
    (locked / "assistant.lock.yaml").write_text("\n".join(old) + "\n", encoding="utf-8")
    assert lock("--check") == 0
    assert lock() == 0
    assert lock_lines(locked) == lines


def test_an_unfinished_merge_is_told_as_such_and_mended(locked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (locked / "assistant.lock.yaml").read_text(encoding="utf-8")
    conflict = "<<<<<<< HEAD\n  - kind: model\n=======\n  - kind: runtime\n>>>>>>> other\n"
    change(locked, "  - kind: model\n", conflict, "assistant.lock.yaml")
    assert lock("--check") == 3
    said = capsys.readouterr().err
    assert "merge-conflict" in said
    assert "yaml-syntax" not in said
    assert "lock-missing" not in said
    assert lock() == 0
    assert (locked / "assistant.lock.yaml").read_text(encoding="utf-8") == text


def test_a_dataset_has_the_licence_of_the_file_beside_it(locked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    beside = locked / "data" / "questions.jsonl.license"
    beside.write_text("SPDX-FileCopyrightText: 2026 Example\nSPDX-License-Identifier: cc-by-4.0\n", encoding="utf-8")
    assert lock("--check") == 3
    assert "license: locked nothing, asked for CC-BY-4.0" in capsys.readouterr().err
    assert lock() == 0
    assert _lock(locked).spec.entries[0].license == "CC-BY-4.0"
    assert lock("--check") == 0


def test_a_target_without_python_is_a_diagnostic(locked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    profile = Path(__file__).parents[3] / "targets" / "profiles" / "x86-64-v3.yaml"
    text = profile.read_text(encoding="utf-8").replace("name: x86-64-v3", "name: bare")
    (locked / "targets").mkdir()
    lines = [line for line in text.splitlines() if not line.startswith("  python:")]
    (locked / "targets" / "bare.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    change(locked, "x86-64-v3", "bare")
    change(locked, "x86-64-v3", "bare", "fleet.yaml")
    assert lock() == 3
    said = capsys.readouterr().err
    assert "target-python-missing" in said
    assert "Traceback" not in said


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    identity = ["-c", "user.name=fleet", "-c", "user.email=fleet@example.com", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", *identity, *arguments], cwd=root, capture_output=True, check=False)


def test_branches_that_change_different_entries_merge(locked: Path, index: Publish, tmp_path: Path) -> None:
    _git(locked, "init", "-q", "-b", "main")
    _git(locked, "add", "-A")
    _git(locked, "commit", "-q", "-m", "base")
    _git(locked, "switch", "-q", "-c", "data")
    (locked / "data" / "questions.jsonl").write_text(ANOTHER, encoding="utf-8")
    assert lock() == 0
    _git(locked, "commit", "-q", "-a", "-m", "another dataset")
    _git(locked, "switch", "-q", "main")
    index("numpy")
    assert lock("--upgrade", "onnxruntime/aarch64*") == 0
    _git(locked, "commit", "-q", "-a", "-m", "a newer build")
    _git(locked, "switch", "-q", "-c", "model", "HEAD~1")
    change(locked, "version: 1.2.0", "version: 1.3.0")
    assert lock() == 0
    _git(locked, "commit", "-q", "-a", "-m", "another version")
    _git(locked, "switch", "-q", "main")
    for branch in ("data", "model"):
        merged = _git(locked, "merge", "-q", "--no-edit", branch)
        assert merged.returncode == 0, merged.stdout.decode()
    assert lock("--check") == 0
    shutil.rmtree(tmp_path / "fleet" / ".git")


def test_neighbouring_entries_merge(locked: Path, tmp_path: Path) -> None:
    base = (locked / "assistant.lock.yaml").read_text(encoding="utf-8")
    blocks = base.split("  - kind: ")
    for index_of_first in range(1, len(blocks) - 1):
        sides = []
        for changed in (index_of_first, index_of_first + 1):
            block = blocks[changed].replace("sha256:", "sha256:0000").replace("size: ", "size: 1")
            sides.append("  - kind: ".join([*blocks[:changed], block, *blocks[changed + 1 :]]))
        names = []
        for name, text in (("ours", sides[0]), ("base", base), ("theirs", sides[1])):
            (tmp_path / name).write_text(text, encoding="utf-8")
            names.append(str(tmp_path / name))
        merged = subprocess.run(["git", "merge-file", "-p", *names], capture_output=True, check=False)
        assert merged.returncode == 0, f"entries {index_of_first} and {index_of_first + 1} conflict"


def test_a_policy_that_is_judged_by_the_lock_does_not_stop_it_from_being_written(locked: Path) -> None:
    (locked / "policies").mkdir()
    policy = "apiVersion: edgewright/v1beta1\nkind: Policy\nmetadata: {name: org}\nspec:\n  rules:\n"
    rule = "    - {id: known, message: no licence, expression: has(model.license) && model.license == 'ISC'}\n"
    (locked / "policies" / "org.yaml").write_text(policy + rule, encoding="utf-8")
    (locked / "assistant.lock.yaml").unlink()
    assert lock() == 0
    assert run(["check", "fleet"]) == 3
