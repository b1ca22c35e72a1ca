"""What a stranger's branch may hold: names that are commands, links, odd trees, text that would break a comment."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.e2e.plan_base.conftest import LOCK, Fleet
from tests.e2e.plan_base.test_changes import bump

NAMES = [
    "$(touch pwned)",
    "; touch pwned",
    "--upload-pack=touch pwned",
    "-oProxyCommand=touch pwned",
    "`touch pwned`",
    "main\ntouch pwned",
    "{{ lookup('pipe', 'touch pwned') }}",
    "main:blueprint.yaml",
    "nobody",
]
MEAN_TEXT = "<img src=x onerror=alert(1)> @everyone `x` | y\n</details> ![a](http://evil.example) #1"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("option", ["--base", "--revision"])
def test_a_revision_that_does_not_exist_is_refused(fleet: Fleet, name: str, option: str) -> None:
    more = [] if option == "--base" else ["--base=main"]
    ended = fleet.run("plan", str(fleet.root), f"{option}={name}", *more)
    assert (ended.exit_code, ended.slugs) == (2, ["unknown-revision"])
    assert not list(fleet.root.parent.rglob("pwned"))


def test_a_branch_with_a_shell_name_is_compared_and_shown_as_text(fleet: Fleet) -> None:
    fleet.git.git("branch", "--", "$(touch-pwned);`x`")
    fleet.blueprint(bump)
    assert fleet.change(base="$(touch-pwned);`x`")["classes"] == ["version"]
    comment = fleet.run("plan", str(fleet.root), "--base=$(touch-pwned);`x`", "--output=markdown").stdout
    assert "`" not in comment
    assert "$(" not in comment


def test_links_and_submodules_of_a_revision_are_refused(fleet: Fleet) -> None:
    (fleet.root / "policies").symlink_to("/etc")
    fleet.git.commit(message="a link")
    ended = fleet.run("plan", str(fleet.root), "--base=HEAD~1", "--revision=HEAD")
    assert (ended.exit_code, ended.slugs) == (3, ["git-link"])
    ended = fleet.run("compile", str(fleet.root), "--revision=HEAD")
    assert (ended.exit_code, ended.slugs) == (3, ["git-link"])


def test_a_link_at_the_base_does_not_hinder_the_change_that_removes_it(fleet: Fleet) -> None:
    (fleet.root / "policies").symlink_to("/etc")
    fleet.git.commit(message="a link")
    (fleet.root / "policies").unlink()
    found = fleet.plan()
    assert found["blueprints"] == []
    assert found["notes"] == [
        "before the change: policies is a symbolic link; what a reviewer reads must be what is compiled; left out"
    ]


@pytest.mark.parametrize("name", [b"caf\xe9.yaml", b"two\nlines.yaml"])
def test_a_name_that_is_not_plain_is_refused_in_a_revision(fleet: Fleet, name: bytes) -> None:
    (Path(os.fsdecode(os.fsencode(fleet.root) + b"/" + name))).write_bytes(b"a: 1\n")
    fleet.git.commit(message="a name")
    ended = fleet.run("plan", str(fleet.root), "--base=HEAD~1", "--revision=HEAD")
    assert (ended.exit_code, ended.slugs) == (3, ["git-name"])


def test_a_huge_file_that_nobody_names_is_left_out(fleet: Fleet) -> None:
    with (fleet.root / "video.bin").open("wb") as stream:
        stream.truncate(65 << 20)
    fleet.git.commit(message="a video")
    fleet.blueprint(bump)
    assert fleet.change()["classes"] == ["version"]


def test_a_dataset_that_git_lfs_keeps_is_known_by_its_pointer(fleet: Fleet) -> None:
    path = fleet.root / "data" / "passages-and-queries.jsonl"
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(data)}\n"
    path.write_text(pointer)
    fleet.git.commit(message="to Git LFS")
    path.write_bytes(data)
    fleet.blueprint(bump)
    assert fleet.change()["classes"] == ["version"]
    fleet.git.git("commit", "--quiet", "--message=next", "--", "blueprint.yaml")
    found = fleet.change("--revision=HEAD", base="HEAD~1")
    assert (found["classes"], found["notes"]) == (["version"], [])
    ended = fleet.run("compile", str(fleet.root), "--revision=HEAD")
    assert (ended.exit_code, ended.slugs) == (3, ["git-lfs-pointer"])


def test_a_fleet_repository_that_is_new_in_its_git_repository(fleet: Fleet) -> None:
    inner = fleet.root / "fleets" / "north"
    inner.mkdir(parents=True)
    for name in ("blueprint.yaml", "fleet.yaml", LOCK, "data"):
        fleet.git.git("mv", name, f"fleets/north/{name}")
    fleet.git.commit(message="moved")
    ended = fleet.run("plan", str(inner), "--base=HEAD~1")
    assert ended.exit_code == 0, ended.stderr
    assert "has no folder fleets/north: everything in it is new" in ended.stdout
    assert "semantic-search 1.0.0: new" in ended.stdout


def test_text_of_people_formats_nothing_in_the_comment(fleet: Fleet) -> None:
    fleet.blueprint(lambda document: document["metadata"].update(version="1.1.0", description=MEAN_TEXT))
    fleet.git.commit(message=MEAN_TEXT)
    fleet.git.git("branch", "--", "@everyone<b>#1")
    comment = fleet.run(
        "plan", str(fleet.root), "--base=HEAD~1", "--revision=@everyone<b>#1", "--output=markdown"
    ).stdout
    assert comment.startswith("<!-- edgewright plan -->\n**edgewright plan**: 1 blueprint changes")
    text = re.sub(r"&#[0-9]+;", "", comment)
    for mark in ("<img", "<b>", "@", "http:", "![", "#1"):
        assert mark not in text


def test_a_plan_needs_no_secret_no_home_and_no_network(fleet: Fleet) -> None:
    fleet.blueprint(bump)
    environment = {
        "PATH": os.environ["PATH"],
        "EDGEWRIGHT_CACHE": os.environ["EDGEWRIGHT_CACHE"],
        "PYTHONPATH": str(Path(__file__).resolve().parents[3] / "compiler"),
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "https_proxy": "http://127.0.0.1:9",
    }
    argv = [sys.executable, "-m", "edgewright.cli.main", "plan", str(fleet.root), "--base=main", "--output=markdown"]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "version" in done.stdout
    assert list(Path(os.environ["EDGEWRIGHT_CACHE"]).glob("scratch/*")) == []


def test_a_program_for_an_inventory_is_not_run(fleet: Fleet) -> None:
    program = fleet.root / "hosts"
    program.write_text(f"#!/bin/sh\ntouch {fleet.root}/pwned\necho '{{}}'\n")
    program.chmod(0o755)
    fleet.edit("fleet.yaml", lambda document: document.update(spec={"inventory": {"path": "hosts"}}))
    assert fleet.run("plan", str(fleet.root), "--base=main").exit_code == 3
    assert not (fleet.root / "pwned").exists()
