"""The shipped profiles and policies: every number with its source, every name resolvable."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgewright.load.documents import load_repository, shipped_targets
from edgewright.plugins.registry import Registry
from edgewright.spec.v1beta1.target import NUMBERS_WITH_SOURCE

TARGETS = shipped_targets()
WANTED = {
    "x86-64-v3",
    "x86-64-v4-vnni",
    "intel-n100",
    "raspberry-pi-4-4g",
    "raspberry-pi-5-8g",
    "rk3588-8g",
    "jetson-orin-nano-8g",
    "riscv64-rvv",
}


def test_the_promised_profiles_are_there() -> None:
    assert TARGETS.keys() == WANTED


@pytest.mark.parametrize("name", sorted(WANTED))
def test_every_number_says_where_it_came_from(name: str) -> None:
    sources = TARGETS[name].document.spec.sources
    for number in (*NUMBERS_WITH_SOURCE, "memoryForModel", "isa"):
        assert len(sources[number].strip()) > 10
    assert sources["memoryBandwidth"].startswith(("measured: ", "estimated: "))


@pytest.mark.parametrize("name", sorted(WANTED))
def test_numbers_are_those_of_one_machine(name: str) -> None:
    spec = TARGETS[name].document.spec
    assert spec.memory_for_model < spec.memory
    assert TARGETS[name].document.metadata.name in TARGETS[name].path
    assert spec.isa.has_int8_dot == any(word in f for f in spec.isa.features for word in ("vnni", "dotprod"))


@pytest.mark.parametrize("name", sorted(WANTED))
def test_runtimes_are_backends_that_build_for_the_architecture(name: str) -> None:
    registry = Registry()
    spec = TARGETS[name].document.spec
    able = {b for b in registry.names("backends") if spec.architecture in registry.backend(b).architectures}
    assert set(spec.runtimes) <= able


def test_shipped_policies_choose_what_they_offer(tmp_path: Path) -> None:
    policies = load_repository(tmp_path).compression_policies
    assert {"int8-decoder", "int8-encoder", "float32"} <= policies.keys()
    assert policies["int8-decoder"].document.spec.recipe == "int8"
    assert {"int4", "int4-k-quant"} <= {c.name for c in policies["int8-decoder"].document.spec.candidates}
