"""Static budgets: the formulas by hand-counted numbers, and that they grow with what they count."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewright.check.budget import Footprint, ModelFacts, bytes_per_token, cache_bytes, estimate, weights_bytes
from edgewright.load.documents import shipped_targets

SMOLLM2 = ModelFacts(134_515_008, 30, 576, 49_152, 3, 64, tied_embeddings=True, origin="declared")
INT8 = Footprint(9.0, None, 170 << 20, 220 << 20)
TARGET = shipped_targets()["raspberry-pi-5-8g"].document.spec


def _estimates(facts: ModelFacts = SMOLLM2, context: int = 2048, wanted: float | None = None) -> dict[str, float]:
    found = estimate(facts, TARGET, INT8, task="text-generation", context=context, decode_rate_wanted=wanted)
    return {item.name: item.value for item in found}


def test_cache_is_two_times_layers_heads_dimension_and_context_in_float32() -> None:
    assert cache_bytes(SMOLLM2, 2048) == 2 * 30 * 3 * 64 * 2048 * 4 == 94_371_840


def test_weights_are_parameters_times_bits() -> None:
    assert weights_bytes(SMOLLM2, INT8) == pytest.approx(134_515_008 * 9 / 8)


def test_embedding_table_counts_with_its_own_bits() -> None:
    table = 49_152 * 576
    mixed = Footprint(9.0, 32, 0, 0)
    assert weights_bytes(SMOLLM2, mixed) == pytest.approx((134_515_008 - table) * 9 / 8 + table * 4)


def test_untied_embedding_table_is_looked_up_not_read() -> None:
    untied = ModelFacts(134_515_008, 30, 576, 49_152, 3, 64, tied_embeddings=False, origin="declared")
    difference = bytes_per_token(SMOLLM2, INT8, 2048) - bytes_per_token(untied, INT8, 2048)
    assert difference == pytest.approx(49_152 * 576 * 9 / 8)


def test_memory_is_the_sum_of_weights_cache_and_runtime() -> None:
    assert _estimates()["memory"] == pytest.approx(134_515_008 * 9 / 8 + 94_371_840 + (170 << 20))


def test_disk_holds_two_releases() -> None:
    assert _estimates()["disk"] == pytest.approx(2 * (134_515_008 * 9 / 8 + (220 << 20)))


def test_decode_rate_is_bandwidth_over_bytes_of_a_token() -> None:
    assert _estimates()["decode_rate"] == pytest.approx(11.8e9 / (134_515_008 * 9 / 8 + 94_371_840 / 2))


def test_encoders_have_neither_cache_nor_decode_rate() -> None:
    found = estimate(SMOLLM2, TARGET, INT8, task="embeddings", context=512)
    assert [item.name for item in found] == ["memory", "disk"]
    assert "KV cache" not in found[0].formula


@pytest.mark.parametrize(("wanted", "is_met"), [(None, True), (4.0, True), (59.0, True), (61.0, False)])
def test_wanted_rate_is_met_from_below(wanted: float | None, is_met: bool) -> None:
    found = estimate(SMOLLM2, TARGET, INT8, task="text-generation", context=2048, decode_rate_wanted=wanted)
    assert found[-1].is_met is is_met


@given(st.integers(16, 100_000), st.integers(16, 100_000))
def test_more_context_never_needs_less_nor_decodes_faster(first: int, second: int) -> None:
    short, long = (_estimates(context=c) for c in sorted((first, second)))
    assert short["memory"] <= long["memory"]
    assert short["decode_rate"] >= long["decode_rate"]


def test_facts_of_an_import_are_compared_with_what_was_declared() -> None:
    names = ("parameters", "layers", "hidden_size", "vocab_size", "kv_heads", "head_dim")
    document = {name: getattr(SMOLLM2, name) for name in names} | {"tied_embeddings": True, "architecture": "llama"}
    imported = ModelFacts.from_import(document)
    assert imported.origin == "imported"
    assert imported.differences(SMOLLM2) == []
    assert ModelFacts.from_import(document | {"layers": 28}).differences(SMOLLM2) == [("layers", 28, 30)]
