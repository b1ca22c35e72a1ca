"""A pull request, from a branch to hosts: planned, merged, compiled, signed and rolled out by the shipped pipelines."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
from tests.e2e.pull_request.forge import BLUEPRINT, Forge
from tests.e2e.pull_request.github import GitHub
from tests.e2e.pull_request.machine import BIN, environment
from tests.lab.conftest import SHOPS
from tests.lab.scenarios.conftest import PC, World
from tests.lab.scenarios.device import LabDevice

pytestmark = [pytest.mark.lab, pytest.mark.frameworks]

NAME, PORT = "handbook-search", 8195


def entry(world: World, device: LabDevice) -> dict[str, Any]:
    connection = {
        "type": "ssh",
        "host": device.host.address,
        "user": "root",
        "identityFile": str(world.lab.identity_file),
        "knownHostsFile": str(world.lab.known_hosts),
    }
    return {"name": device.name, "target": PC, "connection": connection, "supervisor": "systemd"}


@pytest.fixture(scope="module")
def devices(world: World) -> list[LabDevice]:
    return [LabDevice(world.lab.host(name), PC, NAME, PORT) for name in SHOPS[:2]]


@pytest.fixture(scope="module")
def forge(world: World, devices: list[LabDevice]) -> Forge:
    """What `init` wrote, for hosts of the lab, pushed."""
    made = Forge.create(world.folder / "forge")
    made.builds = True
    made.edgewright("init", ".")
    made.trust_a_key()
    made.take_tiny_model("tvm", [PC])
    made.take_devices([entry(world, device) for device in devices])
    made.edit(BLUEPRINT, lambda document: document["spec"].update(service={"address": "0.0.0.0", "port": PORT}))
    made.edgewright("lock")
    made.commit("A fleet")
    made.push("main")
    return made


def test_a_merged_pull_request_runs_on_every_host_and_nothing_drifts(
    world: World, forge: Forge, devices: list[LabDevice]
) -> None:
    forge.branch("next")
    forge.edit(BLUEPRINT, lambda document: document["metadata"].update(version="1.1.0"))
    forge.commit("The next version")
    workflows, home = forge.root / ".github" / "workflows", world.folder / "controller"
    merged = forge.open_pull("next")
    asked = GitHub(world.folder / "asked", forge.bare, forge.pull_event("next"), "refs/pull/1/merge", merged)
    checked = asked.run(workflows / "pull-request.yml", "check")
    assert checked is not None
    assert checked.is_successful, checked.log
    assert "1.1.0" in (checked.temp / "reports" / "plan.md").read_text()

    before, sha = forge.merge("next")
    secrets = {"signing": {"EDGEWRIGHT_SIGNING_KEY": forge.key.read_text()}}
    push = GitHub(world.folder / "push", forge.bare, {"before": before}, "refs/heads/main", sha, secrets)
    push.builds, push.controller = True, home
    compiled = push.run(workflows / "release.yml", "compile")
    assert compiled is not None
    assert compiled.is_successful, compiled.log
    rolled = push.run(workflows / "release.yml", "rollout", needs={"compile": compiled})
    assert rolled is not None
    assert rolled.is_successful, rolled.log
    for device in devices:
        seen = device.look()
        assert seen.current == seen.confirmed == device.serving() == 1_001_000

    ledger = home / ".local/state/edgewright/fleet/shops/ledger.db"
    argv = [str(BIN / "edgewright"), "drift", str(rolled.workspace), "--exit-code", "--ledger", str(ledger)]
    units = [f"edgewright-{NAME}.socket", f"edgewright-{NAME}.service"]  # a socket left would start it when asked
    clean = subprocess.run(argv, env=environment(home), capture_output=True, text=True, timeout=300, check=False)
    assert clean.returncode == 0, clean.stdout + clean.stderr
    devices[1].host.run(["systemctl", "stop", *units])
    stopped = subprocess.run(argv, env=environment(home), capture_output=True, text=True, timeout=300, check=False)
    assert stopped.returncode == 6, stopped.stdout + stopped.stderr
    assert devices[1].name in stopped.stdout
    devices[1].host.run(["systemctl", "start", *units])
