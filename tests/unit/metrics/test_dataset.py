"""Datasets: rows that are read, rows that are refused with their line."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgewright.metrics.dataset import Chat, Passage, Query, read_dataset
from edgewright.plugins.worker import WorkerError

EXAMPLES = Path(__file__).parents[3] / "blueprints" / "examples"


def folder_with(tmp_path: Path, text: str | bytes) -> Path:
    data = text.encode() if isinstance(text, str) else text
    (tmp_path / "data.jsonl").write_bytes(data)
    return tmp_path


def test_the_three_kinds_of_row_are_read_in_order(tmp_path: Path) -> None:
    rows = read_dataset(
        folder_with(
            tmp_path,
            '{"id": "a", "text": "one"}\n\n{"query": "two", "passage": "a"}\n'
            '{"messages": [{"role": "user", "content": "three"}]}\n',
        )
    )
    assert rows == (Passage("one", "a"), Query("two", "a"), Chat(({"role": "user", "content": "three"},)))


def test_every_user_turn_is_a_prompt() -> None:
    turns = [{"role": role, "content": "x"} for role in ("system", "user", "assistant", "user")]
    assert [len(prompt) for prompt in Chat(tuple(turns)).prompts] == [2, 4]


@pytest.mark.parametrize(
    ("text", "slug", "message"),
    [
        ("", "dataset-empty", "0 rows, at least 1"),
        ("\n  \n", "dataset-empty", "0 rows"),
        ('{"text": "a"}\n{oops}\n', "dataset-invalid", "data.jsonl:2: not JSON"),
        ("[1]\n", "dataset-invalid", "data.jsonl:1: list instead of an object"),
        ('{"txt": "a"}\n', "dataset-invalid", "the keys are txt"),
        ('{"text": "  "}\n', "dataset-invalid", "data.jsonl:1: text"),
        ('{"query": "q", "passage": "nowhere"}\n', "dataset-invalid", "passage 'nowhere'"),
        ('{"messages": []}\n', "dataset-invalid", "at least 1 message"),
        ('{"messages": [{"role": "robot", "content": "x"}]}\n', "dataset-invalid", "role is 'robot'"),
        ('{"messages": [{"role": "user"}]}\n', "dataset-invalid", "exactly the keys role and content"),
        (b'{"text": "\xff"}\n', "dataset-invalid", "not UTF-8"),
    ],
)
def test_a_bad_dataset_is_refused_with_its_line(tmp_path: Path, text: str | bytes, slug: str, message: str) -> None:
    with pytest.raises(WorkerError) as caught:
        read_dataset(folder_with(tmp_path, text))
    assert caught.value.slug == slug
    assert message in caught.value.message


def test_a_folder_must_hold_exactly_one_dataset(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match="has 0"):
        read_dataset(tmp_path)


def test_the_search_example_has_enough_passages_and_queries() -> None:
    rows = read_dataset(EXAMPLES / "semantic-search" / "data")
    assert sum(isinstance(row, Passage) for row in rows) >= 60
    assert sum(isinstance(row, Query) for row in rows) >= 40


def test_the_assistant_example_is_varied() -> None:
    rows = read_dataset(EXAMPLES / "store-assistant" / "data")
    chats = [row for row in rows if isinstance(row, Chat)]
    assert len(chats) >= 15
    assert any(chat.messages[0]["role"] == "system" for chat in chats)
    assert any(len(chat.messages) > 3 for chat in chats)
    assert sum(isinstance(row, Passage) for row in rows) >= 20
