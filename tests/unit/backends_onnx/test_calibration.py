"""Calibration text: a choice that depends on file and number alone, and errors that name the line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgewright.compress.calibration import CalibrationError, read_texts


def dataset(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "data.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_samples_are_spread_over_the_file(tmp_path: Path) -> None:
    path = dataset(tmp_path, *(json.dumps({"text": str(number)}) for number in range(10)))
    assert read_texts(path, 3) == ["0", "3", "6"]
    assert read_texts(path, 100) == [str(number) for number in range(10)]
    assert read_texts(tmp_path, 1) == ["0"]


def test_passages_queries_and_chats_all_give_text(tmp_path: Path) -> None:
    chat = {"messages": [{"role": "user", "content": "c"}]}
    rows = [{"query": "b", "passage": "a"}, chat, {"text": "d"}]
    assert read_texts(dataset(tmp_path, *map(json.dumps, rows)), 9) == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["", "  "], "data.jsonl: 0 texts"),
        (['{"text": "a"}', "{"], "data.jsonl:2: expecting property name"),
        (["[1]"], "data.jsonl:1: holds a list"),
        (['{"title": "a"}'], "data.jsonl:1: has none of text"),
        ([json.dumps({"text": "x" * 100_001})], "at most 100000 are read"),
    ],
)
def test_a_dataset_that_cannot_be_used_is_refused_at_its_line(tmp_path: Path, lines: list[str], words: str) -> None:
    with pytest.raises(CalibrationError, match=words.replace("(", r"\(")):
        read_texts(dataset(tmp_path, *lines), 4)


def test_a_folder_without_one_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CalibrationError, match=r"0 \.jsonl files, exactly 1 is needed"):
        read_texts(tmp_path, 4)
