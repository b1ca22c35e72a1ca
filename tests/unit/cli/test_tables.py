"""Tables in a pipe are drawn without rich, and look as rich draws them."""

from __future__ import annotations

import contextlib
import io
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewright.cli.output.tables import print_table

CELLS = st.one_of(
    st.text(alphabet="ab c1-.", max_size=12).map(str.strip), st.integers(0, 99_999).map("{:,}".format), st.just("-")
)
TABLES = st.integers(1, 4).flatmap(
    lambda width: st.tuples(
        st.lists(st.sampled_from(["name", "what", "size", "a longer column"]), min_size=width, max_size=width),
        st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=4),
        st.sampled_from([None, "three to run"]),
    )
)


def drawn(columns: list[str], rows: list[list[str]], title: str | None) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        print_table(columns, rows, title=title)
    return out.getvalue()


@settings(deadline=None)
@given(TABLES)
def test_plain_table_is_what_rich_draws(table: tuple[list[str], list[list[str]], str | None]) -> None:
    ours = drawn(*table)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TTY_COMPATIBLE", "0")  # rich is asked, and told that this is no terminal
        assert drawn(*table) == ours


SENTENCES = st.lists(st.sampled_from(["a", "formula", "+", "134,515,008", "x" * 40]), max_size=40).map(" ".join)


@settings(deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS, SENTENCES).map(list), min_size=1, max_size=4))
def test_long_last_column_is_folded_as_rich_folds_it(rows: list[list[str]]) -> None:
    ours = drawn(["name", "value", "formula"], rows, None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TTY_COMPATIBLE", "0")
        assert drawn(["name", "value", "formula"], rows, None) == ours


def test_long_last_column_does_not_wait_for_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich.console", None)  # an import of it fails
    assert len(drawn(["name", "formula"], [["memory", "weights + cache " * 20]], None).splitlines()) > 2


def test_what_is_wide_or_long_is_left_to_rich() -> None:
    assert drawn(["a"], [["日本"]], None) == "a   \n日本\n"
    assert len(drawn(["a", "b"], [["x" * 120, "y" * 120]], None).splitlines()) > 2
