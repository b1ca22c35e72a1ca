"""Comments to edgewright are found where YAML sees a comment, and know the line that they are about."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewright.load.positions import Positions
from edgewright.load.remarks import REMARKS_READ, Remark, find_remarks
from edgewright.load.yaml12 import parse

SAID = "# edgewright: allow some-slug because of a reason"


def _remarks(text: str) -> list[Remark]:
    parsed, problems = parse(text.encode(), "a.yaml")
    assert parsed is not None, problems
    return find_remarks(text.encode(), parsed.spans)


@pytest.mark.parametrize(
    ("text", "about"),
    [
        (f"a: 1 {SAID}\n", 1),
        (f"{SAID}\na: 1\n", 2),
        (f"{SAID}\n\n# another comment\n\na: 1\n", 5),
        (f"a:\n  {SAID}\n  - 1\n", 3),
        (f"a: [1,  {SAID}\n  2]\n", 1),
        (f"a: |  {SAID}\n  text\n", 1),
        (f"a: >-\n  text\n{SAID}\nb: 1\n", 4),
        (f"a: 'it''s'\t{SAID}\n", 1),
        (f'ä: "ü"\n{SAID}\nö: 1\n', 3),
        (f"a: 1\r\n{SAID}\r\nb: 2\r\n", 3),
        (f"a: 1\n{SAID}\n", None),
        (f"a: 1\n{SAID}", None),
        ("a: 1\n#edgewright:allow x\nb: 1\n", 3),
    ],
)
def test_comment_is_about_its_own_line_or_the_next_with_content(text: str, about: int | None) -> None:
    assert [remark.about for remark in _remarks(text)] == [about]


@pytest.mark.parametrize(
    "text",
    [
        f"a: '{SAID}'\n",
        f'a: "x {SAID}"\n',
        f"a: |\n  {SAID}\n",
        f"a: >-\n  x\n  {SAID}\n",
        f"a: 'x\n  {SAID}\n  y'\n",
        "a: x#edgewright:allow y\n",
        f"a: 1  # see {SAID}\n",
        "a: 1  # edgewright is a compiler: allow it\n",
        f"'{SAID}': 1\n",
    ],
)
def test_what_is_no_comment_says_nothing(text: str) -> None:
    assert _remarks(text) == []


def test_comment_above_a_key_is_about_the_whole_block_below_it() -> None:
    text = f"{SAID}\ngates:\n  - one\n  - two\n"
    parsed, _ = parse(text.encode(), "a.yaml")
    assert parsed is not None
    [remark] = find_remarks(text.encode(), parsed.spans)
    assert remark.covers(parsed.spans.span(("gates",)))
    assert not remark.covers(parsed.spans.span(("gates", 1)))
    inner = _remarks(f"gates:\n  - one\n  {SAID}\n  - two\n")[0]
    assert not inner.covers(parsed.spans.span(("gates",)))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"a: 1 \t {SAID}\nb: 2\n", "a: 1\nb: 2\n"),
        (f"a: 1\n   {SAID}\nb: 2\n", "a: 1\nb: 2\n"),
        (f"a: 1\n{SAID}", "a: 1\n"),
    ],
)
def test_removal_leaves_nothing_of_the_comment(text: str, left: str) -> None:
    [remark] = _remarks(text)
    place = Positions(text, "a.yaml").offsets(remark.removal)
    assert place is not None
    assert text[: place[0]] + text[place[1] :] == left


def test_at_most_one_more_than_the_limit_is_read() -> None:
    text = "a: 1\n" + f"{SAID}\n" * 5_000
    assert len(_remarks(text)) == REMARKS_READ + 1


@given(st.text(alphabet="aé\n\r\x85\u2028 #", max_size=60), st.data())
def test_positions_and_places_are_inverse(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    positions = Positions(text, "a.yaml")
    assert positions.offsets(positions.span(start, end)) == (start, end)
