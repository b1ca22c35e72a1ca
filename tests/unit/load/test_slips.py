"""Slips in YAML: each is named where it was made, in words of what to write."""

from __future__ import annotations

import pytest

from edgewright.load.yaml12 import parse


@pytest.mark.parametrize(
    ("text", "place", "hint"),
    [
        ("a:\n  b: 1\n\tc: 2\n", (3, 1), "a tab stands here"),
        ("a:\n\tb: 1\n", (2, 1), "a tab stands here"),
        ("a:\n  model\n    task: x\n", (3, 9), "line 2 is no key yet: a key has a colon and a blank after it"),
        ("a:\n  context:512\n  b: 1\n", (3, 4), "line 2 is no key yet"),
        ("a:\n  context:512\n  # more\n\n  b: 1\n", (5, 3), "line 2 is no key yet"),
        ("a: 1\nmodel\n", (2, 1), "line 2, column 1: a key has a colon and a blank after it"),
        ("a: Note: x\n", (1, 8), "text that holds a colon and a blank needs quotes"),
        ("a:\n  b: 1\n   c: 2\n", (3, 5), "indented deeper than line 2, which has a value already"),
        ("a:\n    b: 1\n  c: 2\n", (3, 3), "keys of one mapping start in one column: the mapping began at line 1"),
        ("a:\n  b: 1\nc: {r: 1}\n  d:\n    e: 1\n", (4, 3), "keys of one mapping start in one column"),
        ("a: 1\n- b\n", (2, 1), "a list entry stands among the keys of the mapping that began at line 1, column 1"),
        ("a:\n  - b\n  c: 1\n", (3, 3), "the list that began at line 2, column 3 goes on with a dash"),
        ("a:\n  - {m: 1}\n  -{m: 2, n: 3}\n", (3, 3), "put a blank after the dash"),
        ("a:\n    -{m: 1, n: 2}\n", (2, 14), "put a blank after the dash"),
        ('a: "x\nb: 1\n', (1, 4), "close it where the text ends"),
        ("a: 1\nb: 'x\nc: 1\n", (2, 4), "close it where the text ends"),
        ('a: "C:\\Users"\n', (1, 9), "a backslash begins an escape"),
        ('a: "x" y\n', (1, 8), "nothing after a quote that is closed"),
        ("a: [b\nc: 1\n", (2, 2), "close the [ of line 1, column 4"),
        ("a: {b: 1 c: 2}\n", (1, 11), "put a comma between its entries"),
        ("a: @x\n", (1, 4), "text that begins with @ needs quotes"),
        ("a: *.yaml\n", (1, 5), "text that begins with * needs quotes"),
        ("a: |x\n", (1, 5), "the text of | and > begins on the next line"),
    ],
)
def test_a_slip_is_named_with_what_to_write(text: str, place: tuple[int, int], hint: str) -> None:
    _, (found,) = parse(text.encode(), "a.yaml")
    assert found.slug == "yaml-syntax"
    assert found.span is not None
    assert (found.span.line, found.span.column) == place
    assert hint in (found.hint or "")


@pytest.mark.parametrize(
    ("text", "place"),
    [("a:\n  c:\u00a0512\n  # k\n  d: 1\n", (2, 5)), ("a:\n  c: 1\n\u00a0 d: 2\n  e: 3\n", (3, 1))],
)
def test_a_blank_that_is_none_is_what_is_pointed_at(text: str, place: tuple[int, int]) -> None:
    _, (found,) = parse(text.encode(), "a.yaml")
    assert found.span is not None
    assert (found.span.line, found.span.column) == place
    assert "U+00A0" in found.message


def test_what_is_no_slip_that_is_known_stays_in_the_words_of_the_parser() -> None:
    _, (found,) = parse(b"%YAML 3.0\n---\na: 1\n", "a.yaml")
    assert (found.message, found.hint) == ("not YAML: found incompatible YAML document", None)


@pytest.mark.parametrize("text", ["a: 1\rb\rc: 2\r", "a:\u2028 b\n  c: 1\n", "\ufeffa: [", "[\x85}", "a: 'x\r\n\r\n"])
def test_line_ends_of_every_kind_move_no_place_out_of_the_text(text: str) -> None:
    _, found = parse(text.encode(), "a.yaml")
    assert all(problem.span is not None and problem.span.line <= text.count("\n") + 6 for problem in found)
