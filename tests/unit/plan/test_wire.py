"""Bytes over the wire, room on the disk, time of a roll-out: the arithmetic and its words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgewright.kernel.digest import digest_bytes
from edgewright.load.documents import shipped_targets
from edgewright.plan.numbers import Number
from edgewright.plan.reach import Share, WaveForecast
from edgewright.plan.sides import CohortSide
from edgewright.plan.wire import LINK_BITS_PER_S, duration, headroom, wire
from edgewright.plugins.protocols import FileDigest
from edgewright.spec.v1beta1.blueprint import BuildSpec, RolloutSpec
from edgewright.spec.v1beta1.compression import Recipe

A, B, C, RUNTIME, NEWER = (digest_bytes(name) for name in (b"a", b"b", b"c", b"runtime", b"newer"))
SIZE = Number(1000, "B", "estimated", "formula")
DISK = Number(300, "B", "estimated", "formula")


@pytest.fixture
def before() -> CohortSide:
    target = shipped_targets()["raspberry-pi-5-8g"].document.spec
    build = BuildSpec(backend="tvm", targets=("raspberry-pi-5-8g",))
    return CohortSide(
        target,
        build,
        Recipe(name="float32", method="float32"),
        artifact=A,
        wheels=(FileDigest("runtime.whl", RUNTIME, 50),),
        blobs={A: 100, B: 10},
        numbers={"artifact_size": SIZE},
        disk=DISK,
    )


def test_only_files_that_the_device_lacks_travel(before: CohortSide) -> None:
    after = replace(before, artifact=B, blobs={A: 100, C: 7})
    found = wire(before, after, updated=10, fresh=2)
    assert found.update is not None
    assert (found.update.value, found.update.kind) == (7, "measured")
    assert found.full is not None
    assert (found.full.value, found.full.kind) == (157, "measured")
    assert found.total is not None
    assert (found.total.value, found.total.kind) == (10 * 7 + 2 * 157, "measured")
    assert found.total.origin == "10 x 7 B + 2 x 157 B"


def test_a_new_runtime_travels_with_an_artifact_that_stays(before: CohortSide) -> None:
    after = replace(before, wheels=(FileDigest("runtime.whl", NEWER, 60),))
    found = wire(before, after, updated=3, fresh=0).update
    assert found is not None
    assert (found.value, found.kind) == (60, "measured")
    assert found.origin == "the artifact stays + runtime 60 B (lock)"


def test_without_the_files_of_both_sides_the_number_is_an_upper_bound(before: CohortSide) -> None:
    after = replace(before, artifact=B, blobs={A: 100, C: 7})
    unknown = wire(replace(before, blobs=None), after, updated=1, fresh=0).update
    assert unknown is not None
    assert (unknown.value, unknown.kind) == (107, "estimated")
    estimated = wire(before, replace(after, blobs=None), updated=1, fresh=0).update
    assert estimated is not None
    assert (estimated.value, estimated.kind) == (1000, "estimated")
    assert estimated.origin.startswith("at most: the whole artifact")
    nothing = wire(before, replace(after, blobs=None, numbers={}), updated=1, fresh=0)
    assert (nothing.update, nothing.total) == (None, None)


def test_headroom_holds_two_releases_and_may_be_negative(before: CohortSide) -> None:
    disk = before.target.disk
    after = replace(before, disk=Number(disk, "B", "estimated", "formula"))
    found = headroom(before, after)
    assert found is not None
    assert found.value == -300
    alone = headroom(None, before)
    assert alone is not None
    assert alone.value == disk - 600
    assert headroom(before, replace(before, disk=None)) is None


def test_duration_is_transfer_and_soaks_and_at_most_every_confirm_timeout() -> None:
    rollout = RolloutSpec.model_validate_json(
        '{"waves": ["10%", "100%"], "soak": "10m", "maxUnavailable": 2, "confirmTimeout": "5m"}'
    )
    waves = [WaveForecast("01", 3, (Share("pc", 3),), 1), WaveForecast("02", 5, (Share("pc", 5),), 1)]
    total = Number(LINK_BITS_PER_S / 8 * 60, "B", "measured", "sum")
    found = duration(rollout, waves, total)
    assert found is not None
    assert found.least_s == 60 + 600
    assert found.most_s == 60 + 600 + (2 + 3) * 300
    assert found.formula == (
        "715.3 MiB at 100 Mbit/s (assumed) + 1 x soak 10 min 0 s; at most + 5 x confirmTimeout 5 min 0 s (batches of 2)"
    )
    assert duration(rollout, [], total) is None
