"""What each kind of change is called, whom it touches, and what it costs: on a shipped example in a Git repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.e2e.plan_base.conftest import LOCK, Fleet

from edgewright.build.store import Result, Store
from edgewright.cli.chain import Session
from edgewright.kernel.events import discard
from edgewright.spec.v1beta1.lock import LockEntry

ALL = {"x86-64-v3", "raspberry-pi-5-8g", "intel-n100", "raspberry-pi-4-4g", "riscv64-rvv"}
ONNX = {"x86-64-v3", "raspberry-pi-5-8g"}


def bump(document: dict[str, Any]) -> None:
    document["metadata"]["version"] = "1.1.0"


def entries(lock: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [entry for entry in lock["spec"]["entries"] if entry["kind"] == kind]


def seal(entry: dict[str, Any]) -> None:
    """Write an entry's own digest, as `edgewright lock` does."""
    entry.pop("contentDigest", None)
    entry["contentDigest"] = LockEntry.model_validate_json(json.dumps(entry)).own_digest


def relock(lock: dict[str, Any], file: str) -> None:
    """As if the file had other bytes behind the same name."""
    [entry] = entries(lock, "model")
    [found] = [item for item in entry["files"] if item["name"] == file]
    found["digest"] = "sha256:" + "1" * 64
    seal(entry)


def test_nothing_changed_is_nothing_to_do(fleet: Fleet) -> None:
    found = fleet.plan("--exit-code")
    assert found["blueprints"] == []
    assert found["device_totals"] == {"all": 7, "touched": 0}
    assert found["cohort_totals"] == {"all": 5, "touched": 0}
    assert found["untouched_blueprints"] == {"names": ["semantic-search"], "count": 1}


def test_exit_code_says_that_something_changes(fleet: Fleet) -> None:
    fleet.blueprint(bump)
    assert fleet.run("plan", str(fleet.root), "--base", "main", "--exit-code").exit_code == 6
    assert fleet.run("plan", str(fleet.root), "--base", "main").exit_code == 0


def test_a_device_that_leaves_is_a_change_of_the_fleet_only(fleet: Fleet) -> None:
    fleet.edit("fleet.yaml", lambda document: document["spec"]["devices"].pop())
    change = fleet.change()
    assert change["classes"] == ["fleet"]
    assert (change["touched"], change["waves"], change["duration"]) == (0, [], None)
    assert change["devices"]["removed"] == {"names": ["boiler-house"], "count": 1}
    assert [cohort["target"] for cohort in change["cohorts"]] == ["riscv64-rvv"]
    assert change["unchanged_cohorts"] == 4
    assert "fleet only" in fleet.run("plan", str(fleet.root), "--base", "main").stdout


def test_devices_that_come_move_or_change_settings_are_told_apart(fleet: Fleet) -> None:
    def change(document: dict[str, Any]) -> None:
        devices = document["spec"]["devices"]
        connection = devices[0]["connection"] | {"host": "search.new.branches.example"}
        devices.append(devices[0] | {"name": "new-office", "connection": connection})
        devices[1]["target"] = "intel-n100"
        devices[2]["connection"]["host"] = "new.hill.branches.example"

    fleet.edit("fleet.yaml", change)
    found = fleet.change()
    assert found["devices"]["added"]["names"] == ["new-office"]
    assert found["devices"]["retargeted"]["names"] == ["harbour-shop"]
    assert found["devices"]["changed"]["names"] == ["hill-shop"]
    assert found["touched"] == 3
    counts = fleet.cohorts()["intel-n100"]["devices"]
    assert counts == {"total": 3, "added": 1, "removed": 0, "retargeted": 1, "changed": 0, "touched": 2}


def test_a_change_of_the_roll_out_touches_no_device(fleet: Fleet) -> None:
    fleet.blueprint(lambda document: document["spec"]["rollout"].update(soak="1m"))
    assert fleet.classes() == {name: ["roll-out"] for name in ALL}
    found = fleet.plan()
    assert found["device_totals"] == {"all": 7, "touched": 0}
    assert "roll-out only" in fleet.run("plan", str(fleet.root), "--base", "main").stdout


def test_a_change_of_the_gates_only(fleet: Fleet) -> None:
    fleet.blueprint(lambda document: document["spec"]["gates"].pop())
    assert fleet.classes() == {name: ["gates"] for name in ALL}


def test_a_change_of_the_weights_gives_other_artifacts(fleet: Fleet) -> None:
    fleet.blueprint(bump)
    fleet.edit(LOCK, lambda lock: relock(lock, "model.safetensors"))
    cohorts = fleet.cohorts()
    assert {name: cohort["classes"] for name, cohort in cohorts.items()} == {n: ["weights", "version"] for n in ALL}
    for cohort in cohorts.values():
        before, after = cohort["before"], cohort["after"]
        assert before["key"] != after["key"]
        assert (before["unknown"], after["unknown"]) == (None, None)
    change = fleet.change()
    assert change["touched"] == 7
    assert sum(wave["touched"] for wave in change["waves"]) == 7
    assert change["waves"][0] == {
        "name": "01-canary",
        "touched": 5,
        "targets": [{"name": name, "devices": 1} for name in sorted(ALL)],
        "sites": 4,
    }
    assert {share["name"]: share["devices"] for share in change["sites"]} == {
        "town": 1,
        "harbour": 1,
        "hill": 2,
        "station": 1,
        "mill": 2,
    }


def test_a_change_of_the_tokenizer_is_no_change_of_the_weights(fleet: Fleet) -> None:
    fleet.blueprint(bump)
    fleet.edit(LOCK, lambda lock: relock(lock, "tokenizer.json"))
    assert fleet.classes() == {name: ["tokenizer or chat template", "version"] for name in ALL}


def test_a_change_of_a_recipe_reaches_the_targets_that_use_it(fleet: Fleet) -> None:
    def change(document: dict[str, Any]) -> None:
        document["spec"]["builds"][0]["compression"] = {"inline": {"name": "plain", "method": "float32"}}

    fleet.blueprint(change)
    cohorts = fleet.cohorts()
    assert {name: cohort["classes"] for name, cohort in cohorts.items()} == {name: ["recipe"] for name in ONNX}
    assert {cohort["after"]["recipe"] for cohort in cohorts.values()} == {"plain"}
    assert "the version is still 1.0.0" in fleet.change()["notes"][0]


def test_a_change_of_the_runtime_is_seen_in_the_lock(fleet: Fleet) -> None:
    def change(lock: dict[str, Any]) -> None:
        for entry in entries(lock, "runtime"):
            if entry["name"] == "onnxruntime/aarch64-glibc2.36-py3.11":
                entry["files"][0]["digest"] = "sha256:" + "2" * 64
                seal(entry)

    fleet.blueprint(bump)
    fleet.edit(LOCK, change)
    classes = fleet.classes()
    assert classes["raspberry-pi-5-8g"] == ["runtime", "version"]
    assert classes["x86-64-v3"] == ["version"]


def test_a_change_of_the_service_keeps_the_artifacts(fleet: Fleet) -> None:
    def change(document: dict[str, Any]) -> None:
        bump(document)
        document["spec"]["service"] = {"threads": 2}

    fleet.blueprint(change)
    for cohort in fleet.cohorts().values():
        assert cohort["classes"] == ["service options", "version"]
        assert cohort["before"]["key"] == cohort["after"]["key"]
        assert cohort["wire"]["update"]["value"] == 0


def test_a_removed_blueprint_takes_nothing_off_its_devices(fleet: Fleet) -> None:
    fleet.git.commit({"other.yaml": (fleet.root / "blueprint.yaml").read_text().replace("semantic-search", "other", 1)})
    (fleet.root / "blueprint.yaml").unlink()
    (fleet.root / LOCK).unlink()
    change = fleet.change()
    assert (change["name"], change["classes"], change["version_after"]) == ("semantic-search", ["removed"], None)
    assert "takes nothing off them" in change["notes"][0]
    assert change["touched"] == 0


def test_removing_the_last_blueprint_is_a_change_like_any_other(fleet: Fleet) -> None:
    (fleet.root / "blueprint.yaml").unlink()
    (fleet.root / LOCK).unlink()
    assert fleet.change()["classes"] == ["removed"]


def test_a_new_blueprint_needs_everything(fleet: Fleet) -> None:
    text = (fleet.root / "blueprint.yaml").read_text().replace("name: semantic-search", "name: other", 1)
    (fleet.root / "other.yaml").write_text(text.replace("  fleet:", "  service: {port: 8081}\n  fleet:", 1))
    change = fleet.change()
    assert (change["name"], change["classes"], change["version_before"]) == ("other", ["new"], None)
    assert change["touched"] == 7
    for cohort in change["cohorts"]:
        assert cohort["wire"]["full"]["kind"] == "estimated"
        assert cohort["headroom"]["value"] > 0


def test_a_missing_lock_is_said_and_the_documents_decide(fleet: Fleet) -> None:
    (fleet.root / LOCK).unlink()
    fleet.blueprint(lambda document: document["spec"]["model"]["source"].update(version="0.2.0"))
    change = fleet.change()
    assert {tuple(cohort["classes"]) for cohort in change["cohorts"]} == {("weights",)}
    assert any("semantic-search has no lock" in note for note in change["notes"])
    assert {cohort["after"]["key"] for cohort in change["cohorts"]} == {None}


def test_a_stale_lock_at_the_base_is_said(fleet: Fleet) -> None:
    good = (fleet.root / LOCK).read_text()
    fleet.edit(LOCK, lambda lock: entries(lock, "model")[0]["request"].update(version="0.0.9"))
    fleet.git.commit(message="stale")
    (fleet.root / LOCK).write_text(good)
    fleet.blueprint(bump)
    assert any("is not current" in note for note in fleet.change()["notes"])


def test_wrong_documents_at_the_base_are_a_note(fleet: Fleet) -> None:
    good = (fleet.root / "blueprint.yaml").read_text()
    fleet.git.commit({"blueprint.yaml": good.replace("kind: Blueprint", "kind: Bluprint")})
    (fleet.root / "blueprint.yaml").write_text(good)
    found = fleet.plan()
    assert found["blueprints"][0]["classes"] == ["new"]
    assert any("before the change 1 errors" in note for note in found["notes"])


def test_wrong_documents_after_the_change_are_refused(fleet: Fleet) -> None:
    fleet.blueprint(lambda document: document["spec"].update(fleet={"ref": "nobody"}))
    ended = fleet.run("plan", str(fleet.root), "--base", "main")
    assert (ended.exit_code, ended.slugs) == (3, ["unknown-fleet"])


def test_what_others_merged_meanwhile_is_no_part_of_the_change(fleet: Fleet) -> None:
    fleet.git.git("switch", "--quiet", "--create", "topic")
    fleet.blueprint(bump)
    fleet.git.commit(message="topic")
    fleet.git.git("switch", "--quiet", "main")
    fleet.edit("fleet.yaml", lambda document: document["spec"]["devices"].pop())
    fleet.git.commit(message="others")
    found = fleet.plan("--revision=topic")
    assert found["blueprints"][0]["classes"] == ["version"]
    assert found["device_totals"]["all"] == 7
    assert any("main has moved on" in note for note in found["notes"])


def test_a_revision_and_its_working_tree_give_the_same_change(fleet: Fleet) -> None:
    fleet.git.git("switch", "--quiet", "--create", "topic")
    fleet.blueprint(bump)
    fleet.git.commit(message="topic")
    (clean, committed) = fleet.plan(), fleet.plan("--revision=topic")
    assert clean["blueprints"] == committed["blueprints"]
    assert clean["head"]["commit"] == committed["head"]["commit"]
    fleet.blueprint(lambda document: document["metadata"].update(version="1.2.0"))
    assert fleet.plan()["head"]["commit"] is None
    assert fleet.plan("--revision=topic") == committed


def test_only_chosen_blueprints_are_compared(fleet: Fleet) -> None:
    fleet.blueprint(bump)
    assert len(fleet.plan("--blueprint=semantic-*")["blueprints"]) == 1
    ended = fleet.run("plan", str(fleet.root), "--base=main", "--blueprint=nothing")
    assert (ended.exit_code, ended.slugs) == (2, ["unknown-blueprint"])


def record(store: Store, key: str, scratch: Path, files: dict[str, bytes]) -> None:
    folder = scratch / key.removeprefix("sha256:")
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    store.record(key, Result(store.add_folder(folder), {}, 1.0))


def test_what_was_measured_says_on_what_and_only_new_files_travel(fleet: Fleet, tmp_path: Path) -> None:
    weights, tokenizer = b"w" * 5000, b"t" * 300
    measured = b"""{"schema": 1, "machine": {"cpu": "Test CPU"}, "absent": {},
        "measurements": {"latency_median": {"value": 0.25, "unit": "s", "kind": "measured", "n": 20}}}"""

    def keys() -> dict[str, tuple[str, str]]:
        session = Session(fleet.root, (), discard)
        [loaded] = session.blueprints
        return {v.target_name: (v.artifact, v.measurements) for v in session.plan(loaded).variants}

    store = Store()
    before = keys()["x86-64-v3"]
    record(store, before[0], tmp_path / "one", {"model/weights": weights, "tokenizer/tokenizer.json": b"old"})
    record(store, before[1], tmp_path / "one", {"measurements.json": measured})
    fleet.blueprint(bump)
    fleet.edit(LOCK, lambda lock: relock(lock, "tokenizer.json"))
    after = keys()["x86-64-v3"]
    record(store, after[0], tmp_path / "two", {"model/weights": weights, "tokenizer/tokenizer.json": tokenizer})
    cohort = fleet.cohorts()["x86-64-v3"]
    assert (cohort["wire"]["update"]["value"], cohort["wire"]["update"]["kind"]) == (300, "measured")
    figures = {figure["name"]: figure for figure in cohort["figures"]}
    assert figures["artifact_size"]["before"]["value"] == 5003
    assert figures["artifact_size"]["after"]["value"] == 5300
    assert figures["peak_memory"]["after"]["kind"] == "estimated"
    latency = figures["latency_median"]
    assert latency["before"] == {
        "value": 0.25,
        "unit": "s",
        "kind": "measured",
        "origin": latency["before"]["origin"],
    }
    assert latency["before"]["origin"].startswith("on Test CPU, 20")
    assert latency["after"] is None


def test_two_runs_give_the_same_bytes(fleet: Fleet) -> None:
    fleet.blueprint(bump)
    for form in ("text", "json", "markdown"):
        first, second = (fleet.run("plan", str(fleet.root), "--base=main", f"--output={form}") for _ in range(2))
        assert first.stdout == second.stdout
        assert first.stderr == ""


def test_a_plain_plan_shows_waves_and_sites(fleet: Fleet) -> None:
    ended = fleet.run("plan", str(fleet.root))
    assert "01-canary" in ended.stdout
    assert "7 devices at hill 2, mill 2" in ended.stdout


def test_forms_for_a_change_need_its_base(fleet: Fleet) -> None:
    for option in ("--output=markdown", "--exit-code"):
        assert fleet.run("plan", str(fleet.root), option).exit_code == 2


@pytest.mark.parametrize("path", ["blueprint.yaml", "fleet.yaml"])
def test_comments_and_order_of_keys_change_nothing(fleet: Fleet, path: str) -> None:
    document = yaml.safe_load((fleet.root / path).read_text())
    (fleet.root / path).write_text("# another comment\n" + yaml.safe_dump(document, sort_keys=True))
    assert fleet.plan()["blueprints"] == []
