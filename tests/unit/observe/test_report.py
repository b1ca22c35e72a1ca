"""What a device tells is read as if it wanted to lie, to break the terminal, or to fill the memory."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewright.observe.report import MOST_FINDINGS, DeviceReport, Finding, read_report

HEX = "ab" * 32
GOOD: dict[str, Any] = {
    "state": "confirmed",
    "current": 1_001_000,
    "confirmed": 1_001_000,
    "denied": {"1000000": {"slug": "x"}},
    "reverted": {"from": 1_000_000, "to": None, "slug": "health-failed", "message": "vector-mismatch: no"},
    "service": {"up": True, "release": 1_001_000},
    "ready": True,
    "health": {"release": 1_001_000, "ok": True},
    "documents": {"options": HEX, "applied": HEX, "signers": HEX},
    "files": {"complete": True, "findings": [{"path": "a/b", "what": "changed"}], "more": 2, "manifest": HEX},
}
HOSTILE = "\u202e\x1b[2J{{ lookup('pipe','id') }}\n$(reboot)\x00" + "x" * 10_000


def read(**changes: Any) -> DeviceReport:
    return read_report("d1", "answered", {**GOOD, **changes})


def test_a_whole_answer_is_understood() -> None:
    report = read()
    assert (report.current, report.serves, report.is_ready, report.options) == (1_001_000, 1_001_000, True, HEX)
    assert report.denied == {1_000_000}
    assert report.reverted == (1_000_000, "health-failed", "vector-mismatch: no")
    assert report.files is not None
    assert (report.files.findings, report.files.more, report.files.is_complete) == (
        (Finding("a/b", "changed"),),
        2,
        True,
    )


@pytest.mark.parametrize(
    "answer", [{}, {"state": "fine"}, {"state": "confirmed"}, {**GOOD, "files": None}, {**GOOD, "state": 7}]
)
def test_an_answer_of_another_shape_is_no_answer(answer: dict[str, Any]) -> None:
    report = read_report("d1", "answered", answer)
    assert (report.reach, report.slug) == ("failed", "answer-invalid")


def test_texts_of_a_device_are_one_printable_line_and_cut() -> None:
    report = read(
        reverted={"from": 1, "slug": HOSTILE, "message": HOSTILE},
        health={"release": 1_001_000, "ok": False, "error": {"slug": HOSTILE, "message": HOSTILE}},
        files={**GOOD["files"], "findings": [{"path": HOSTILE, "what": "extra"}], "error": {"message": HOSTILE}},
    )
    assert report.reverted is not None
    assert report.files is not None
    texts = [*report.reverted[1:], report.unhealthy, report.files.findings[0].path, report.files.problem]
    assert all(text is not None and text.isprintable() and len(text) <= 500 for text in texts)


def test_findings_beyond_the_cap_or_not_understood_make_the_comparison_incomplete() -> None:
    many = [{"path": f"p{number}", "what": "extra"} for number in range(10_000)]
    report = read(files={**GOOD["files"], "findings": many})
    assert report.files is not None
    assert (len(report.files.findings), report.files.is_complete) == (MOST_FINDINGS, False)
    for listed in ([{"path": "a", "what": "fine"}], [{"path": 3, "what": "extra"}], "none", None, [None]):
        report = read(files={**GOOD["files"], "findings": listed})
        assert report.files is not None
        assert not report.files.is_complete


@pytest.mark.parametrize("number", [True, -1, 0, 10**12, 1.5, "1001000", None, [1]])
def test_a_number_that_is_none_is_not_a_release(number: Any) -> None:
    report = read(current=number, service={"release": number})
    assert (report.current, report.serves) == (None, None)


def test_digests_and_readiness_are_taken_literally() -> None:
    report = read(documents={"options": "AB" * 32, "applied": HEX + "0", "signers": 5}, ready="true")
    assert (report.options, report.applied_options, report.signers, report.is_ready) == (None, None, None, False)


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(sorted(GOOD)), json_values))
def test_no_answer_breaks_the_reading(changes: dict[str, Any]) -> None:
    report = read(**changes)
    assert report.reach in {"answered", "failed"}


@given(json_values)
def test_no_form_of_files_looks_whole_by_accident(value: Any) -> None:
    report = read(files=value)
    if report.files is not None and not (isinstance(value, dict) and value.get("complete") is True):
        assert not report.files.is_complete
