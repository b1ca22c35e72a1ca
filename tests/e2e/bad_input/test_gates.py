"""A gate that was never measured is red, at its line; what a blueprint had released stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.e2e.bad_input.conftest import Shop
from tests.e2e.bad_input.shop import BOARD, Repository

from edgewright.build.store import Result
from edgewright.cli.chain import Session
from edgewright.kernel.events import discard

GATE = f"{{metric: latency_median, max: 50ms, targets: [{BOARD}]}}"
ABSENT = "the artifact is for aarch64, this machine is x86_64: ask the device (where: device)"


def _measurements(values: dict[str, tuple[float, str]], absent: dict[str, str]) -> dict[str, object]:
    """What an evaluation writes."""
    measured = {
        name: {"value": value, "unit": unit, "kind": "measured", "n": 2} for name, (value, unit) in values.items()
    }
    return {"schema": 1, "measurements": measured, "absent": absent}


def _record(repository: Repository, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store as a finished evaluation leaves it: latency was measured for this machine and not for the board."""
    monkeypatch.setenv("EDGEWRIGHT_CACHE", str(repository.cache))
    session = Session(repository.root, (), discard)
    [loaded] = session.blueprints
    plan = session.plan(loaded)
    boards = {variant.measurements for variant in plan.variants if variant.target_name == BOARD}
    for action in plan.actions:
        folder = scratch / action.key.removeprefix("sha256:")
        folder.mkdir(parents=True)
        is_board = action.key in boards
        times = {} if is_board else {"latency_median": (0.001, "s")}
        document = _measurements({"cosine_mean": (0.9999, ""), **times}, {"latency_median": ABSENT} if is_board else {})
        (folder / "measurements.json").write_text(json.dumps(document))
        session.store.record(action.key, Result(session.store.add_folder(folder), {}, 0.1))


def test_a_gate_that_was_never_measured_is_red(
    shop: Shop, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.edit("{metric: cosine_mean, min: 0.99}", f"{{metric: cosine_mean, min: 0.99}}\n    - {GATE}")
    _record(repository, tmp_path / "outputs", monkeypatch)
    key = str(shop.keys.key)
    for command, *options in (["evaluate"], ["package", "--signing-key", key], ["compile", "--signing-key", key]):
        place = f" {repository.place(GATE)}\n"
        ended = repository.refused(command, "gate-not-measured", place, *options, exit_code=4)
        assert BOARD in ended.stderr
        assert ABSENT in ended.stderr
        assert "x86-64-v3 (tvm, float32)" not in ended.stderr, "the gate that was measured is green"
