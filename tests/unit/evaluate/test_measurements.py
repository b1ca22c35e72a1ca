"""Reading measurements.json: only finite, measured numbers become values."""

from __future__ import annotations

import json
from typing import Any

import pytest

from edgewright.evaluate.measurements import parse_measurements
from edgewright.kernel.diagnostics import EdgewrightError


def document(**entry: Any) -> bytes:
    whole = {"value": 0.5, "unit": "", "kind": "measured", "n": 3, **entry}
    return json.dumps({"schema": 1, "measurements": {"x": whole}, "absent": {"y": "no time"}}).encode()


def test_a_measured_number_is_read_with_its_note_and_sample_count() -> None:
    found = parse_measurements(document(note="under qemu-user"), "search")
    assert (found.values["x"].value, found.values["x"].n, found.values["x"].note) == (0.5, 3, "under qemu-user")
    assert found.why_absent("y") == "no time"
    assert found.why_absent("z") == "it was not measured"


def test_an_estimate_is_not_a_measurement() -> None:
    found = parse_measurements(document(kind="estimated"), "search")
    assert not found.values
    assert found.why_absent("x") == "it is estimated, not measured"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "0.5", None, True])
def test_what_is_not_a_finite_number_is_absent(value: Any) -> None:
    assert "x" not in parse_measurements(document(value=value), "search").values


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{", b'{"schema": 2, "measurements": {}}', b'{"schema": 1, "measurements": {"x": 1}}', b"\xff"],
)
def test_a_damaged_file_is_a_diagnostic_that_names_the_artifact(data: bytes) -> None:
    with pytest.raises(EdgewrightError) as caught:
        parse_measurements(data, "search on x86-64-v3")
    (told,) = caught.value.diagnostics
    assert told.slug == "measurements-invalid"
    assert told.message.startswith("search on x86-64-v3: measurements.json cannot be read")
