"""What devices run beside what they should, on hosts with systemd: found, put right, and told afterwards."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.lab.scenarios.conftest import Prepare, Scenario

pytestmark = pytest.mark.lab

NAMES = ["shop-01", "shop-02", "shop-03", "shop-04"]


def drift(scenario: Scenario, *, exit_code: int) -> dict[str, list[str]]:
    """Kinds of difference by device."""
    ended = scenario.repository.run("drift", "--exit-code")
    assert ended.exit_code == exit_code, ended
    [found] = ended.document
    return {d["device"]: [x["kind"] for x in d["differences"]] for d in found["devices"]}


def audit(scenario: Scenario, *arguments: str) -> list[dict[str, Any]]:
    ended = scenario.repository.start("audit", *arguments, output="jsonl").end()
    assert ended.exit_code == 0, ended
    lines = [ended.document] if isinstance(ended.document, dict) else ended.document.splitlines()
    return [line if isinstance(line, dict) else json.loads(line) for line in lines]


def test_what_drifted_is_found_and_reconciled_and_nothing_else_is_touched(prepare: Prepare) -> None:
    """A file changed as root, a service stopped and masked from restarts, a host that is off."""
    scenario = prepare(NAMES, rollout={"waves": [{"canary": "1 per target"}, "100%"]})
    assert scenario.repository.run("rollout").verdict == "confirmed"
    assert drift(scenario, exit_code=0) == {name: [] for name in NAMES}

    damaged, stopped, away = (scenario.device(name) for name in ("shop-02", "shop-03", "shop-04"))
    weights = f"{damaged.root}/current/artifact/model/weights.bin"
    damaged.host.run(["sh", "-c", 'printf X | dd of="$1" bs=1 seek=40 conv=notrunc', "sh", weights])
    damaged.host.run(["touch", f"{damaged.root}/current/site/sitecustomize.py"])
    stopped.host.run(["systemctl", "stop", f"{stopped.service}.socket", f"{stopped.service}.service"])
    away.host.kill()
    in_sync = scenario.device("shop-01")
    untouched = in_sync.look()

    expected = {"shop-01": [], "shop-02": ["changed-file"], "shop-03": ["stopped-service"], "shop-04": ["absent"]}
    assert drift(scenario, exit_code=6) == expected
    told = scenario.repository.told()
    seen = {device.name: (device.activations(), device.look().pid) for device in (damaged, stopped)}

    ended = scenario.repository.run("reconcile")
    assert (ended.exit_code, ended.verdict) == (0, "confirmed"), ended
    assert ended.statuses == {
        "shop-01": "confirmed",
        "shop-02": "confirmed",
        "shop-03": "confirmed",
        "shop-04": "skipped",
    }
    assert "shop-04 is left as it is: absent" in ended.stderr
    assert in_sync.look() == untouched
    after = scenario.repository.told()
    assert {name for name in NAMES if after[name] != told[name]} == {"shop-02", "shop-03"}
    for device in (damaged, stopped):
        assert device.activations() == seen[device.name][0] + 1, "it was not renewed through an activation"
        assert device.look().pid != seen[device.name][1]
        assert device.serving() == scenario.number

    away.host.start()
    assert drift(scenario, exit_code=0) == {name: [] for name in NAMES}
    again = scenario.repository.run("reconcile")
    assert (again.exit_code, again.document["rollouts"]) == (0, [])
    assert "nothing to do" in again.stderr

    [period] = [entry for entry in audit(scenario, "--device", "shop-02") if entry["release"] == scenario.number]
    assert (period["outcome"], period["to"], period["statement"]["verified"]) == ("confirmed", None, True)
    assert len(period["renewed_at"]) == 1
