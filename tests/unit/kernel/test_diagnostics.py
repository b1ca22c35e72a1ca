"""Diagnostics are ordered values that know their place."""

from __future__ import annotations

import pytest

from edgewright.kernel.diagnostics import Diagnostic, EdgewrightError, ExitCode, Span, asked_at, did_you_mean, fail


def test_span_refuses_line_zero() -> None:
    with pytest.raises(ValueError, match="line 1"):
        Span("a.yaml", 0, 1, 1, 1)


def test_diagnostics_sort_by_place_and_what_has_no_place_comes_last() -> None:
    nowhere = Diagnostic("a", "no place")
    late = Diagnostic("a", "late", span=Span("b.yaml", 10, 1, 10, 2))
    early = Diagnostic("z", "early", span=Span("b.yaml", 9, 5, 9, 6))
    other = Diagnostic("z", "other", span=Span("a.yaml", 99, 1, 99, 2))
    assert sorted({nowhere, late, early, other}, key=lambda d: d.sort_key) == [other, early, late, nowhere]


def test_error_carries_its_exit_code_and_diagnostic() -> None:
    error = fail("missing-tool", "qemu is missing", exit_code=ExitCode.MISSING, subject="qemu", hint="install it")
    assert isinstance(error, EdgewrightError)
    assert error.exit_code == 7
    assert error.diagnostics[0].slug == "missing-tool"
    assert str(error) == "qemu is missing"


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("onnxruntine", ["onnxruntime", "tvm"], "did you mean 'onnxruntime'?"),
        ("zzz", ["tvm", "onnxruntime"], "known: onnxruntime, tvm"),
        ("zzz", [], None),
    ],
)
def test_closest_word_is_named_or_all_are_listed(name: str, known: list[str], hint: str | None) -> None:
    assert did_you_mean(name, known) == hint


def test_what_has_no_place_gets_that_of_what_was_asked_for() -> None:
    here, there = Span("a.yaml", 1, 1, 1, 2), Span("b.yaml", 2, 2, 2, 3)
    known = Diagnostic("known", "it has a place", span=there)
    with pytest.raises(EdgewrightError) as caught, asked_at(here):
        raise EdgewrightError(Diagnostic("lost", "it has none"), known, exit_code=ExitCode.MISSING)
    lost, kept = caught.value.diagnostics
    assert (lost.span, kept) == (here, known)
    assert caught.value.exit_code is ExitCode.MISSING
