"""Strict YAML: values as YAML 1.2 reads them, a span for every leaf, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewright.load.yaml12 import COUNT_LIMIT, DEPTH_LIMIT, SIZE_LIMIT_BYTES, Parsed, parse


def _parsed(text: str) -> Parsed:
    parsed, problems = parse(text.encode(), "a.yaml")
    assert problems == []
    assert parsed is not None
    return parsed


def _refusal(data: bytes | str) -> tuple[str, int, int]:
    parsed, problems = parse(data.encode() if isinstance(data, str) else data, "a.yaml")
    assert parsed is None
    assert len(problems) == 1
    span = problems[0].span
    assert span is not None
    return problems[0].slug, span.line, span.column


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("NO", "NO"),
        ("true", True),
        ("012", 12),
        ("0o14", 12),
        ("0x1F", 31),
        ("1e3", 1000.0),
        ("12:30:00", "12:30:00"),
        ("2026-11-23", "2026-11-23"),
        ("1_000", "1_000"),
        ("~", None),
        ("'12'", "12"),
        ('"true"', "true"),
        ("-7", -7),
        (".5", 0.5),
        ("1.4.0", "1.4.0"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: Any) -> None:
    found = _parsed(f"a: {text}\n").value["a"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("a: &x 1\n", ("yaml-alias", 1, 4)),
        ("a: 1\nb: *x\n", ("yaml-alias", 2, 4)),
        ("a: !!int 1\n", ("yaml-tag", 1, 4)),
        ("a: !vault x\n", ("yaml-tag", 1, 4)),
        ("<<: {a: 1}\n", ("yaml-merge", 1, 1)),
        ("? [a]\n: 1\n", ("yaml-key", 1, 3)),
        ("a: 1\n---\nb: 2\n", ("yaml-documents", 2, 1)),
        ("a: .nan\n", ("not-finite", 1, 4)),
        ("a: -.inf\n", ("not-finite", 1, 4)),
        ("a: 1e999\n", ("not-finite", 1, 4)),
        ("a: [1\n", ("yaml-syntax", 2, 1)),
        ("a: 1\n\tb: 2\n", ("yaml-syntax", 2, 1)),
        ("a: x\u202ey\n", ("hidden-character", 1, 5)),
        ("a: x\x00y\n", ("hidden-character", 1, 5)),
        ("", ("empty-document", 1, 1)),
        ("# only a comment\n", ("empty-document", 1, 1)),
        (b"a: \xff\n", ("not-utf8", 1, 4)),
        ("a: 1\n".encode("utf-16"), ("not-utf8", 1, 1)),
        (b"a: 1\n" * (SIZE_LIMIT_BYTES // 5 + 1), ("file-too-large", 1, 1)),
        ("a: " + "[" * DEPTH_LIMIT + "]" * DEPTH_LIMIT, ("yaml-depth", 1, 3 + DEPTH_LIMIT)),
    ],
)
def test_what_hides_its_meaning_is_refused_at_its_place(text: bytes | str, refusal: tuple[str, int, int]) -> None:
    assert _refusal(text) == refusal


@pytest.mark.parametrize("piece", ["- 1\n", "- {}\n", "- []\n", "- {a: 1}\n", "- {a: 1, a: 1}\n", "- {? [] : 1}\n"])
def test_keys_and_values_are_counted_and_those_beyond_the_limit_are_not_read(piece: str) -> None:
    first_beyond = (COUNT_LIMIT - 1) // (1 + 2 * piece.count(":")) + 1
    problems = parse((piece * (first_beyond - 1)).encode(), "a.yaml")[1]
    assert "file-too-large" not in {problem.slug for problem in problems}
    assert _refusal(piece * (first_beyond + 100))[:2] == ("file-too-large", first_beyond)


def test_every_duplicate_key_is_reported_and_the_first_one_counts() -> None:
    parsed, problems = parse(b"a: 1\na: 2\nb: {c: 1, c: 2}\n", "a.yaml")
    assert parsed is not None
    assert parsed.value == {"a": 1, "b": {"c": 1}}
    assert [(p.slug, p.span.line, p.span.column) for p in problems if p.span] == [
        ("duplicate-key", 2, 1),
        ("duplicate-key", 3, 11),
    ]


def test_alias_bomb_is_refused_before_anything_is_expanded() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{i}: &a{i} [" + f"*a{i - 1}, " * 20 + "x]" for i in range(1, 30)]
    assert _refusal("\n".join(lines))[0] == "yaml-alias"


def test_span_of_something_absent_is_that_of_what_encloses_it() -> None:
    parsed = _parsed("spec:\n  model: {task: x}\n")
    assert parsed.spans.span(("spec", "model", "source", "type")) == parsed.spans.span(("spec", "model"))
    assert parsed.spans.key_span(("spec", "model")).column == 3


_KEYS = st.text(st.characters(categories=["Ll", "Lu"], max_codepoint=0x17F), min_size=1, max_size=8).filter(
    lambda key: key not in {"null", "Null", "NULL", "true", "True", "TRUE", "false", "False", "FALSE"}
)
_LEAVES = st.one_of(
    st.integers(-(10**9), 10**9),
    st.booleans(),
    st.none(),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp"]), max_size=20),
)
_VALUES = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4), max_leaves=20
)


@settings(deadline=None)
@given(st.dictionaries(_KEYS, _VALUES, min_size=1, max_size=5))
def test_json_is_yaml_and_every_leaf_has_a_span_inside_its_parent(value: dict[str, Any]) -> None:
    parsed = _parsed(json.dumps(value, indent=1, ensure_ascii=False))
    assert parsed.value == value
    for path, span in parsed.spans.values.items():
        assert (span.line, span.column) <= (span.end_line, span.end_column)
        if path:
            parent = parsed.spans.values[path[:-1]]
            assert (parent.line, parent.column) <= (span.line, span.column)
            assert (span.end_line, span.end_column) <= (parent.end_line, parent.end_column)


@settings(deadline=None)
@given(st.dictionaries(_KEYS, st.integers() | st.text("abcxyz", min_size=1, max_size=9), min_size=1, max_size=6))
def test_span_of_a_plain_scalar_covers_exactly_its_text(value: dict[str, Any]) -> None:
    text = yaml.safe_dump(value, allow_unicode=True, sort_keys=False)
    parsed = _parsed(text)
    lines = text.split("\n")
    for key, written_value in value.items():
        span = parsed.spans.span((key,))
        key_span = parsed.spans.key_span((key,))
        assert lines[key_span.line - 1][key_span.column - 1 : key_span.end_column - 1].strip("'\"") == key
        written = lines[span.line - 1][span.column - 1 : span.end_column - 1]
        assert yaml.safe_load(written) == written_value


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_give_a_value_or_a_diagnostic_never_a_crash(data: bytes) -> None:
    parsed, problems = parse(data, "a.yaml")
    assert (parsed is None) <= bool(problems)
    assert all(problem.span is not None for problem in problems)


@settings(deadline=None)
@given(st.text("ab:-[]{}&*!|>'\"#%@`,? \n\t0123.", max_size=80))
def test_any_yaml_like_text_gives_a_value_or_a_diagnostic(text: str) -> None:
    parsed, problems = parse(text.encode(), "a.yaml")
    assert (parsed is None) <= bool(problems)
