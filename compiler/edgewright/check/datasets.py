"""Datasets as `check` sees them: whether a file can be read, and what its lines are.

Owns the reading of one `.jsonl` of the repository, the first mistake in it and the count of its rows; the form of rows
is that of `metrics.dataset`, which reads them for good. Follows no link. Invariants: at most 64 MiB, 100,000
lines and a mebibyte of a line are read, one line at a time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Literal

from edgewright.kernel.diagnostics import Span
from edgewright.load.lfs import is_pointer

SIZE_LIMIT_BYTES = 64 << 20
LINES_LIMIT = 100_000
LINE_LIMIT_BYTES = 1 << 20
ROLES = ("system", "user", "assistant")


@dataclass(frozen=True, slots=True)
class BadLine:
    """The first line that is no row: what is wrong with it, and where."""

    problem: str
    span: Span


@dataclass(frozen=True, slots=True)
class DatasetReport:
    """What a dataset is. Counts are of the rows before the first mistake."""

    state: Literal[
        "usable", "missing", "link", "no-file", "unreadable", "too-large", "too-long", "lfs-pointer", "bad-line"
    ]
    size_bytes: int = 0
    passages: int = 0
    queries: int = 0
    chats: int = 0
    bad_line: BadLine | None = None

    @property
    def rows(self) -> int:
        """All rows."""
        return self.passages + self.queries + self.chats


@dataclass(slots=True)
class _Rows:
    passages: int = 0
    queries: int = 0
    chats: int = 0
    ids: set[str] = field(default_factory=set)
    asked: dict[str, int] = field(default_factory=dict)

    def add(self, row: Mapping[str, Any], number: int) -> None:
        if "messages" in row:
            self.chats += 1
        elif "query" in row:
            self.queries += 1
            self.asked.setdefault(row["passage"], number)
        else:
            self.passages += 1
            if "id" in row:
                self.ids.add(row["id"])


def read_dataset(root: Path, name: str) -> DatasetReport:
    """Look at one dataset; `name` is its path below `root`."""
    path = root / name
    inside = [path, *path.parents[: len(path.relative_to(root).parts) - 1]]
    try:
        if any(part.is_symlink() for part in inside):
            return DatasetReport("link")
        if not path.is_file():
            return DatasetReport("no-file" if path.exists() else "missing")
        size = path.stat().st_size
        if size > SIZE_LIMIT_BYTES:
            return DatasetReport("too-large", size)
        with path.open("rb") as stream:
            return _read(stream, name, size)
    except PermissionError:
        return DatasetReport("unreadable")


def _read(stream: BinaryIO, name: str, size: int) -> DatasetReport:
    rows = _Rows()
    bad: BadLine | None = None
    lines = iter(lambda: stream.readline(LINE_LIMIT_BYTES + 1), b"")
    for number, ended in enumerate(lines, start=1):
        if number == 1 and is_pointer(ended):
            return DatasetReport("lfs-pointer", size)
        if number > LINES_LIMIT:
            return DatasetReport("too-long", size)
        line = ended.removesuffix(b"\n")
        if len(line) > LINE_LIMIT_BYTES:
            problem = f"line {number} of {name} has more than the {LINE_LIMIT_BYTES:,} bytes that are allowed"
            bad = BadLine(problem, Span(name, number, 1, number, 2))
            break
        if not line.strip():
            continue
        row = _parse(line)
        if isinstance(row, str):
            bad = BadLine(f"line {number} of {name} {row}", _span(name, number, line))
            break
        rows.add(row, number)
    if bad is None:
        lost = next(((passage, number) for passage, number in rows.asked.items() if passage not in rows.ids), None)
        if lost is not None:
            passage, number = lost
            problem = f"line {number} of {name} asks for the passage {passage[:80]!r}, which no line has as its id"
            bad = BadLine(problem, _span(name, number, _line(stream, number)))
    state: Literal["usable", "bad-line"] = "usable" if bad is None else "bad-line"
    return DatasetReport(state, size, rows.passages, rows.queries, rows.chats, bad)


def _line(stream: BinaryIO, number: int) -> bytes:
    stream.seek(0)
    return next(islice(stream, number - 1, None)).removesuffix(b"\n")


def _span(name: str, number: int, line: bytes) -> Span:
    return Span(name, number, 1, number, len(line.decode(errors="replace").rstrip("\r")) + 1)


def _parse(line: bytes) -> Mapping[str, Any] | str:
    """The row, or what is wrong with it."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"is not UTF-8 at byte {error.start}"
    if text.startswith("\ufeff"):
        return "begins with a byte order mark: save the file as UTF-8 without one"
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        return f"is not JSON at column {error.colno}: {error.msg[:1].lower()}{error.msg[1:]}"
    except (ValueError, RecursionError):
        return "is not JSON that can be read"
    if not isinstance(value, dict):
        return "is not a JSON object"
    return _shape_problem(value) or value


def _shape_problem(value: Mapping[str, Any]) -> str | None:
    if "messages" in value:
        return _chat_problem(value["messages"])
    keys = [key for key in ("text", "query", "passage") if key in value]
    if keys not in (["text"], ["query", "passage"]):
        return f"has {', '.join(keys) or 'none of the keys'}; text, query and passage, or messages is needed"
    wrong = next((key for key in (*keys, "id") if key in value and not isinstance(value[key], str)), None)
    if wrong:
        return f"has a {wrong} that is not text"
    empty = next((key for key in keys if not value[key].strip()), None)
    return f"has a {empty} of 0 characters, at least 1 is needed" if empty else None


def _chat_problem(messages: Any) -> str | None:
    is_chat = (
        isinstance(messages, list)
        and messages
        and all(
            isinstance(m, dict)
            and set(m) == {"role", "content"}
            and all(isinstance(value, str) and value.strip() for value in m.values())
            for m in messages
        )
    )
    if not is_chat:
        return "has messages that are not a list of {role, content}"
    role = next((m["role"] for m in messages if m["role"] not in ROLES), None)
    return f"has the role {role[:40]!r}, known are {', '.join(ROLES)}" if role else None
