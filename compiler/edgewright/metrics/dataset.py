"""Reading an evaluation dataset: one folder with one `.jsonl`, one JSON object a line.

Owns the three kinds of row (`text`, `query` with `passage`, `messages`) and their refusal. Must not know a tokenizer;
it is staged beside the workers and imports the standard library only. Invariant: every row is checked before the
first one is used, and a refusal names the line.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgewright.plugins.worker import WorkerError

Message = dict[str, str]
ROLES = ("system", "user", "assistant")
LARGEST_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of text; `id` is what queries refer to."""

    text: str
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """A question and the id of the passage that answers it."""

    text: str
    passage: str


@dataclass(frozen=True, slots=True)
class Chat:
    """A conversation, oldest message first."""

    messages: tuple[Message, ...]

    @property
    def prompts(self) -> tuple[tuple[Message, ...], ...]:
        """Every beginning of the conversation that ends with the user: what a service would be asked."""
        return tuple(self.messages[: end + 1] for end, message in enumerate(self.messages) if message["role"] == "user")


Row = Passage | Query | Chat


def read_dataset(folder: Path) -> tuple[Row, ...]:
    """All rows in file order; refuses `dataset-missing`, `dataset-empty` and `dataset-invalid`."""
    path = _only_file(folder)
    size = path.stat().st_size
    if size > LARGEST_BYTES:
        raise WorkerError("dataset-invalid", f"{path.name} has {size} bytes, at most {LARGEST_BYTES} are read")
    rows = []
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise WorkerError("dataset-invalid", f"{path.name} is not UTF-8: byte {error.start} is not text") from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            rows.append(_row(line, f"{path.name}:{number}"))
    if not rows:
        raise WorkerError(
            "dataset-empty", f"{path.name} has 0 rows, at least 1 is needed", hint='write one {"text": …} object a line'
        )
    known = {row.id for row in rows if isinstance(row, Passage) and row.id is not None}
    for row in rows:
        if isinstance(row, Query) and row.passage not in known:
            raise WorkerError(
                "dataset-invalid", f"{path.name}: a query names passage {row.passage[:80]!r}, which is not there"
            )
    return tuple(rows)


def _only_file(folder: Path) -> Path:
    if folder.is_file():
        return folder
    found = sorted(folder.glob("*.jsonl"))
    if len(found) != 1:
        raise WorkerError("dataset-missing", f"the dataset has {len(found)} .jsonl files, exactly 1 is needed")
    return found[0]


def _row(line: str, where: str) -> Row:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise WorkerError("dataset-invalid", f"{where}: not JSON: {error}") from None
    if not isinstance(value, dict):
        raise WorkerError("dataset-invalid", f"{where}: {type(value).__name__} instead of an object")
    if "messages" in value:
        return Chat(_messages(value["messages"], where))
    if "query" in value:
        return Query(_text(value, "query", where), _text(value, "passage", where))
    if "text" in value:
        return Passage(_text(value, "text", where), _text(value, "id", where) if "id" in value else None)
    keys = ", ".join(sorted(map(str, value))) or "none"
    raise WorkerError("dataset-invalid", f"{where}: text, query or messages is needed, the keys are {keys[:200]}")


def _text(row: Mapping[str, Any], key: str, where: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value.strip():
        raise WorkerError("dataset-invalid", f"{where}: {key} is not a text with at least 1 character")
    return value


def _messages(value: Any, where: str) -> tuple[Message, ...]:
    if not isinstance(value, list) or not value:
        raise WorkerError("dataset-invalid", f"{where}: messages is not a list with at least 1 message")
    messages = []
    for message in value:
        if not isinstance(message, dict) or set(message) != {"role", "content"}:
            raise WorkerError("dataset-invalid", f"{where}: a message has exactly the keys role and content")
        if message["role"] not in ROLES:
            raise WorkerError(
                "dataset-invalid", f"{where}: role is {str(message['role'])[:40]!r}, known are {', '.join(ROLES)}"
            )
        messages.append({"role": message["role"], "content": _text(message, "content", where)})
    return tuple(messages)
