"""Sizes, durations, percentages and versions, and how they are shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewright.kernel.units import (
    format_duration,
    format_size,
    parse_duration,
    parse_percent,
    parse_size,
    release_number,
    version_of,
)

_PARTS = st.integers(min_value=0, max_value=999)


@given(st.integers(min_value=0, max_value=10**6), st.sampled_from(["B", "kB", "MB", "GB", "KiB", "MiB", "GiB"]))
def test_whole_sizes_are_exact(number: int, unit: str) -> None:
    factor = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}[unit]
    assert parse_size(f"{number}{unit}") == number * factor


@given(st.integers(min_value=0, max_value=10**6), st.sampled_from([("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600)]))
def test_durations_are_seconds(number: int, unit: tuple[str, float]) -> None:
    assert parse_duration(f"{number}{unit[0]}") == pytest.approx(number * unit[1])


@given(st.integers(min_value=0, max_value=100))
def test_percentages_are_fractions(number: int) -> None:
    assert parse_percent(f"{number}%") == number / 100


@given(st.tuples(_PARTS, _PARTS, _PARTS), st.tuples(_PARTS, _PARTS, _PARTS))
def test_release_numbers_order_as_versions_do(first: tuple[int, int, int], second: tuple[int, int, int]) -> None:
    numbers = [release_number(".".join(map(str, version))) for version in (first, second)]
    assert (numbers[0] < numbers[1]) == (first < second)
    assert (numbers[0] == numbers[1]) == (first == second)


@given(st.tuples(*[st.integers(0, 999)] * 3))
def test_release_number_says_its_version(version: tuple[int, int, int]) -> None:
    words = ".".join(map(str, version))
    assert version_of(release_number(words)) == words


@given(st.text(max_size=40))
def test_any_text_is_a_size_or_a_clear_refusal(text: str) -> None:
    for parse in (parse_size, parse_duration, parse_percent, release_number):
        try:
            assert parse(text) >= 0
        except ValueError as refusal:
            assert "such as" in str(refusal)


@pytest.mark.parametrize("text", ["512", "512 MiB ", "-1MB", "1e3MB", "MiB", "1..5GB", "512mib", "٣MB"])
def test_sizes_without_a_plain_number_and_unit_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        parse_size(text)


@pytest.mark.parametrize("text", ["1.2", "1.2.3.4", "01.2.3", "1.2.1000", "v1.2.3", "1.2.x"])
def test_versions_are_three_numbers_below_a_thousand(text: str) -> None:
    with pytest.raises(ValueError, match="is not a version"):
        release_number(text)


@pytest.mark.parametrize(
    ("size", "shown"), [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (2**31, "2.0 GiB"), (2**41, "2.0 TiB")]
)
def test_sizes_are_shown_in_binary_units(size: int, shown: str) -> None:
    assert format_size(size) == shown


@pytest.mark.parametrize(("seconds", "shown"), [(0.43, "430 ms"), (12.34, "12.3 s"), (250, "4 min 10 s")])
def test_durations_are_shown_for_people(seconds: float, shown: str) -> None:
    assert format_duration(seconds) == shown
