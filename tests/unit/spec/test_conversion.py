"""Conversion of v1alpha1: nothing is lost on the way to the newest version and back."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewright.kernel.units import parse_bandwidth, parse_power
from edgewright.spec.changes import Change, Dropped, Renamed, Replaced, apply, lookup
from edgewright.spec.v1alpha1.conversion import to_newer, to_older
from edgewright.spec.versions import NEWEST, SERVED, kinds_of

ALPHA = "edgewright/v1alpha1"
_SOURCES = ("cores", "memory", "disk", "memoryBandwidth", "power", "memoryForModel", "isa")


def _blueprint(waves: list[Any], reference: bool) -> dict[str, Any]:
    evaluation = {"reference": "float32"} if reference else {}
    return {
        "apiVersion": ALPHA,
        "kind": "Blueprint",
        "metadata": {"name": "a", "version": "1.0.0"},
        "spec": {
            "model": {"task": "embeddings", "source": {"type": "directory", "path": "m"}},
            "builds": [{"backend": "onnxruntime", "targets": ["x86-64-v3"]}],
            "evaluation": {**evaluation, "dataset": "d.jsonl"},
            "gates": [{"metric": "cosine_min", "min": 0.9}],
            "fleet": {"ref": "f"},
            "rollout": {"waves": waves},
        },
    }


def _target(power: float, bandwidth: float) -> dict[str, Any]:
    return {
        "apiVersion": ALPHA,
        "kind": "Target",
        "metadata": {"name": "t"},
        "spec": {
            "architecture": "aarch64",
            "isa": {"cpu": "generic", "vectorFloats": 4},
            "cores": 4,
            "memory": "4GiB",
            "memoryForModel": "2GiB",
            "disk": "16GB",
            "memoryBandwidth": bandwidth,
            "power": power,
            "os": "linux",
            "libc": {"family": "glibc", "version": "2.36"},
            "runtimes": [],
            "sources": dict.fromkeys(_SOURCES, "a test"),
        },
    }


def _fleet(ports: list[int | None]) -> dict[str, Any]:
    devices = [
        {"name": f"d{i}", "target": "t", **({"port": port} if port else {}), "connection": {"type": "local"}}
        for i, port in enumerate(ports)
    ]
    return {"apiVersion": ALPHA, "kind": "Fleet", "metadata": {"name": "f"}, "spec": {"devices": devices}}


_NUMBERS = st.integers(1, 10_000) | st.floats(1e-9, 10_000, allow_nan=False)
_CANARIES = st.none() | st.integers(1, 999).map(lambda n: {"canary": f"{n} per target"})
_SHARES = st.lists(st.integers(1, 99), unique=True, max_size=4).map(lambda s: [f"{n}%" for n in [*sorted(s), 100]])
_WAVES = st.builds(lambda canary, shares: [*([canary] if canary else []), *shares], _CANARIES, _SHARES)
DOCUMENTS = st.one_of(
    st.builds(_blueprint, _WAVES, st.booleans()),
    st.builds(_target, _NUMBERS, _NUMBERS),
    st.builds(_fleet, st.lists(st.none() | st.integers(1, 65535), min_size=1, max_size=5)),
)


def _validated(value: dict[str, Any]) -> Any:
    model = kinds_of(value["apiVersion"])[value["kind"]]
    return model.model_validate_json(json.dumps(value), by_alias=True, by_name=False)


@given(DOCUMENTS)
def test_document_comes_back_as_it_was(old: dict[str, Any]) -> None:
    before = copy.deepcopy(old)
    new = apply(old, to_newer(old["kind"], old))
    assert old == before, "a conversion changes nothing in place"
    assert new["apiVersion"] == NEWEST
    _validated(old)
    _validated(new)
    back = apply(new, to_older(new["kind"], new))
    lookup(before, "spec").get("evaluation", {}).pop("reference", None)  # it said nothing, and is not written again
    assert back == before


@given(st.builds(_target, _NUMBERS, _NUMBERS))
def test_no_digit_of_a_number_is_lost(old: dict[str, Any]) -> None:
    new = apply(old, to_newer("Target", old))["spec"]
    assert "e" not in new["power"] + new["memoryBandwidth"].removesuffix("GB/s")
    assert parse_power(new["power"]) == old["spec"]["power"]
    assert parse_bandwidth(new["memoryBandwidth"]) == old["spec"]["memoryBandwidth"]


@pytest.mark.parametrize(("text", "found"), [("28GB/s", 28.0), ("900MB/s", 0.9), ("2 GiB/s", 2.147483648)])
def test_bandwidths_are_in_gigabytes_a_second(text: str, found: float) -> None:
    assert parse_bandwidth(text) == pytest.approx(found)


@pytest.mark.parametrize(("text", "found"), [("15W", 15.0), ("500mW", 0.5), ("1.2 kW", 1200.0)])
def test_powers_are_in_watts(text: str, found: float) -> None:
    assert parse_power(text) == pytest.approx(found)


@pytest.mark.parametrize("text", ["15", "W", "-1W", "15w", "15 watts", "1e3W", "٣W", "9" * 40 + "W"])
def test_powers_without_number_and_unit_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a power"):
        parse_power(text)


def test_newest_version_comes_first_and_every_version_serves_its_kinds() -> None:
    assert SERVED == (NEWEST, ALPHA)
    assert kinds_of(ALPHA).keys() == {"Blueprint", "CompressionPolicy", "Fleet", "Lock", "Target"}
    assert kinds_of(NEWEST).keys() > kinds_of(ALPHA).keys()


def test_changes_keep_order_and_leave_the_rest_alone() -> None:
    value = {"a": {"x": 1, "y": [1, {"z": 2}], "w": 3}, "b": {"c": 1}}
    changes: list[Change] = [
        Renamed(("a", "x"), "renamed"),
        Replaced(("a", "y", 1, "z"), {"q": 1}),
        Dropped(("a", "w")),
    ]
    new = apply(value, changes)
    assert json.dumps(new) == '{"a": {"renamed": 1, "y": [1, {"z": {"q": 1}}]}, "b": {"c": 1}}'
    assert new["b"] is value["b"]
