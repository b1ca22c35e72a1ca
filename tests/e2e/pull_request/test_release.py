"""A merge, from the forge to the devices: compiled from its commit, signed, published, rolled out, without drift."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.pull_request.forge import BLUEPRINT, FLEET, Forge
from tests.e2e.pull_request.github import GitHub, Job
from tests.e2e.pull_request.gitlab import GitLab
from tests.e2e.pull_request.machine import BIN, environment
from tests.support.device_release import Signer, TestDevice, free_port

pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.skipif(not all(map(shutil.which, ("gcc", "ssh-keygen"))), reason="needs gcc and ssh-keygen"),
]
PYTHON = str(Path(sys.executable).resolve())
ZERO = "0" * 40


@dataclass
class Shops:
    """The forge and two devices, each a folder of this machine."""

    forge: Forge
    devices: dict[str, TestDevice]
    home: Path

    @property
    def workflow(self) -> Path:
        return self.forge.root / ".github" / "workflows" / "release.yml"

    @property
    def keys(self) -> Signer:
        return Signer(self.forge.folder / "signer")

    def drift(self, job: Job) -> str:
        """`edgewright drift` on the runner that reaches the devices; it must find nothing."""
        ledger = self.home / ".local/state/edgewright/fleet/shops/ledger.db"
        argv = [str(BIN / "edgewright"), "drift", str(job.workspace), "--exit-code", "--ledger", str(ledger)]
        done = subprocess.run(
            argv, env=environment(self.home), capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def confirmed(self) -> set[int | None]:
        return {device.confirmed() for device in self.devices.values()}


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shops]:
    """A repository whose model builds in seconds, locked and pushed; nothing is compiled yet."""
    folder = tmp_path_factory.mktemp("shops")
    forge = Forge.create(folder / "forge")
    forge.builds = True
    forge.edgewright("init", ".")
    forge.trust_a_key()
    forge.take_tiny_model("tvm", ["counter-pc"])
    keys = Signer(forge.folder / "signer")
    devices = {
        name: TestDevice(folder / "devices" / name, Path(), keys, free_port(), PYTHON) for name in ("till", "desk")
    }
    forge.take_devices([entry(name, device) for name, device in devices.items()])
    forge.edgewright("lock")
    forge.commit("A fleet")
    forge.push("main")
    made = Shops(forge, devices, folder / "controller")
    try:
        yield made
    finally:
        for device in devices.values():
            device.stop()


def entry(name: str, device: TestDevice) -> dict[str, Any]:
    return {
        "name": name,
        "target": "counter-pc",
        "connection": {"type": "local", "python": PYTHON},
        "root": str(device.root),
        "servicePort": device.port,
        "supervisor": "process",
    }


def merge(forge: Forge, branch: str, version: str) -> tuple[str, str]:
    """A pull request that raises the version, merged; main before and after."""
    forge.branch(branch)
    forge.edit(BLUEPRINT, lambda document: document["metadata"].update(version=version))
    forge.commit(f"Version {version}")
    forge.push(branch)
    return forge.merge(branch)


def github(shops: Shops, folder: Path, before: str, sha: str) -> GitHub:
    secrets = {"signing": {"EDGEWRIGHT_SIGNING_KEY": shops.forge.key.read_text()}}
    return GitHub(
        folder,
        shops.forge.bare,
        {"before": before},
        "refs/heads/main",
        sha,
        secrets,
        builds=True,
        controller=shops.home,
    )


def compile_and_roll_out(shops: Shops, runner: GitHub) -> tuple[Job, Job | None]:
    compiled = runner.run(shops.workflow, "compile")
    assert compiled is not None
    assert compiled.is_successful, compiled.log
    assert "PRIVATE KEY" not in compiled.log
    return compiled, runner.run(shops.workflow, "rollout", needs={"compile": compiled})


def test_the_first_push_is_a_release_of_everything(shops: Shops, tmp_path: Path) -> None:
    first = shops.forge.clone.git("rev-parse", "main")
    compiled = github(shops, tmp_path, ZERO, first).run(shops.workflow, "compile")
    assert compiled is not None
    assert compiled.is_successful, compiled.log
    assert compiled.outputs == {"release": "handbook-search", "reconcile": ""}


def test_a_merge_on_github_reaches_every_device_and_is_what_was_signed(shops: Shops, tmp_path: Path) -> None:
    before, sha = merge(shops.forge, "next", "1.1.0")
    compiled, rolled = compile_and_roll_out(shops, github(shops, tmp_path, before, sha))
    assert rolled is not None
    assert rolled.is_successful, rolled.log
    assert shops.confirmed() == {1_001_000}
    assert [path.name for path in compiled.temp.rglob("*") if path.is_file()] == ["steps"], "the key is gone"
    shops.drift(rolled)
    release = rolled.workspace / "dist" / "handbook-search"
    assert sha in (release / "evidence" / "provenance.json").read_text(), "it names the commit it was made of"


def test_a_merge_that_changes_no_device_is_not_released(shops: Shops, tmp_path: Path) -> None:
    forge = shops.forge
    forge.branch("words")
    forge.commit("Words", {"README.md": "# shops\n"})
    forge.push("words")
    before, sha = forge.merge("words")
    compiled, rolled = compile_and_roll_out(shops, github(shops, tmp_path / "runner", before, sha))
    assert rolled is None
    assert (compiled.outcomes["plan"], compiled.outcomes["sign"]) == ("success", "skipped")
    assert compiled.outputs == {"release": "", "reconcile": ""}


def test_a_new_device_gets_what_was_signed_before_and_the_others_are_left_alone(shops: Shops, tmp_path: Path) -> None:
    forge = shops.forge
    was = shops.confirmed()
    before_them = {name: device.supervisor_pid() for name, device in shops.devices.items()}
    device = TestDevice(shops.home.parent / "devices" / "kiosk", Path(), shops.keys, free_port(), PYTHON)
    forge.branch("kiosk")
    forge.edit(FLEET, lambda document: document["spec"]["devices"].append(entry("kiosk", device)))
    forge.commit("A kiosk")
    forge.push("kiosk")
    before, sha = forge.merge("kiosk")
    shops.devices["kiosk"] = device
    compiled, rolled = compile_and_roll_out(shops, github(shops, tmp_path / "runner", before, sha))
    assert compiled.outputs == {"release": "", "reconcile": "handbook-search=1.1.0"}
    assert (compiled.outcomes["sign"], compiled.outcomes["publish"]) == ("skipped", "skipped")
    assert rolled is not None
    assert rolled.is_successful, rolled.log
    assert shops.confirmed() == was == {1_001_000}
    assert {name: shops.devices[name].supervisor_pid() for name in before_them} == before_them
    shops.drift(rolled)


def test_a_change_without_a_new_version_is_refused_before_anything_is_built(shops: Shops, tmp_path: Path) -> None:
    forge = shops.forge
    forge.branch("forgotten")
    forge.edit(BLUEPRINT, lambda document: document["spec"].update(service={"threads": 2}))
    forge.commit("Two threads, and no new version")
    forge.push("forgotten")
    before, sha = forge.merge("forgotten")
    compiled = github(shops, tmp_path / "runner", before, sha).run(shops.workflow, "compile")
    assert compiled is not None
    assert (compiled.outcomes["plan"], compiled.outcomes["build and measure"]) == ("failure", "skipped")
    said = compiled.step("plan").output
    assert "error: version-not-raised  the version of handbook-search is still" in said
    assert "--> blueprints/handbook-search.yaml:" in said
    assert "next: raise-version" in said
    assert compiled.outputs == {"release": "", "reconcile": ""}
    variables = {"CI_COMMIT_BRANCH": "main", "CI_COMMIT_BEFORE_SHA": before, "CI_COMMIT_SHA": sha}
    gitlab = GitLab(tmp_path / "gitlab", forge.bare, variables).run("edgewright-compile", "refs/heads/main")
    assert gitlab.exit_code == 3, gitlab.output
    assert "error: version-not-raised" in gitlab.output
    assert list(gitlab.artifacts.iterdir()) == []


def test_a_history_that_was_rewritten_is_no_first_push(shops: Shops, tmp_path: Path) -> None:
    sha = shops.forge.clone.git("rev-parse", "main")
    compiled = github(shops, tmp_path, "1" * 40, sha).run(shops.workflow, "compile")
    assert compiled is not None
    assert (compiled.outcomes["plan"], compiled.outcomes["sign"]) == ("failure", "skipped")
    assert "error: unknown-revision" in compiled.step("plan").output


def test_a_merge_on_gitlab_takes_the_same_way(shops: Shops, tmp_path: Path) -> None:
    forge = shops.forge
    before, sha = merge(forge, "third", "1.2.0")
    key = tmp_path / "variable"
    shutil.copyfile(forge.key, key)
    key.chmod(0o666)  # as a runner leaves a variable of type File
    variables = {"CI_COMMIT_BRANCH": "main", "CI_DEFAULT_BRANCH": "main", "CI_COMMIT_BEFORE_SHA": before}
    gitlab = GitLab(
        tmp_path / "runner",
        forge.bare,
        {**variables, "CI_COMMIT_SHA": sha},
        secrets={"signing": {"EDGEWRIGHT_SIGNING_KEY": str(key)}},
        inputs={"ledger": str(shops.home)},
        builds=True,
    )
    compiled = gitlab.run("edgewright-compile", "refs/heads/main")
    assert compiled.exit_code == 0, compiled.output
    rolled = gitlab.run("edgewright-rollout", "refs/heads/main", needs=compiled)
    assert rolled.exit_code == 0, rolled.output
    assert shops.confirmed() == {1_002_000}
    assert "1 blueprint changes" in compiled.output
    again = gitlab.run("edgewright-rollout", "refs/heads/main", needs=compiled, EDGEWRIGHT_RESUME="yes")
    assert again.exit_code == 0, again.output


def test_a_key_that_no_device_trusts_signs_nothing(shops: Shops, tmp_path: Path) -> None:
    confirmed = shops.confirmed()
    before, sha = merge(shops.forge, "stranger", "1.3.0")
    stranger = Signer.create(tmp_path / "stranger")
    runner = github(shops, tmp_path / "runner", before, sha)
    runner.secrets = {"signing": {"EDGEWRIGHT_SIGNING_KEY": stranger.key.read_text()}}
    compiled = runner.run(shops.workflow, "compile")
    assert compiled is not None
    assert compiled.outcomes["sign"] == "failure"
    assert "signer-unknown" in compiled.step("sign").output
    assert compiled.outcomes["publish"] == "skipped"
    assert shops.confirmed() == confirmed
