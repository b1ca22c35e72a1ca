"""Reads what a page shows: its commands with their claimed output, and its complete documents.

A ```console block is a session: a line that starts with `$ ` is a command, `> ` continues it, the rest is its output,
and `…` stands for anything. Comments before a block, invisible on the page, say the rest:

    <!-- run: bash lines, run at this place; not shown -->
    <!-- finally: bash lines, run at the end whatever happened -->
    <!-- exit: 3 -->   the commands of the next block end with this status
    <!-- slow -->      anywhere on the page: it builds real models
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^\n]*)\n(?P<body>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
_HIDDEN = re.compile(r"<!-- run:(.*?)-->", re.DOTALL)
_FINALLY = re.compile(r"<!-- finally:(.*?)-->", re.DOTALL)
_EXIT = re.compile(r"<!-- exit: (\d+) -->\s*$")
_DURATION = re.compile(r"\b\d+(\.\d+)? (ms|s|min|h)\b( \d+ (s|min)\b)?")
_MOMENT = re.compile(r"\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z")
_DIGEST = re.compile(r"\b[0-9a-f]{12}\b")
_COMMENT = re.compile(r"  +# .*$")


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a session; `output` is None when the page shows none."""

    line: int
    text: str
    output: str | None
    exit_code: int


@dataclass(frozen=True, slots=True)
class Page:
    """What a page shows."""

    path: Path
    text: str

    @property
    def is_slow(self) -> bool:
        """Whether it builds real models."""
        return "<!-- slow -->" in self.text

    @property
    def cleaning(self) -> str:
        """What has to be done at the end."""
        return "\n".join(match.strip() for match in _FINALLY.findall(self.text))

    @property
    def commands(self) -> tuple[Command, ...]:
        """Every command of its sessions, and those that are not shown, in the order of the page."""
        shown = [command for block in self._blocks("console") for command in _session(*block)]
        return tuple(sorted([*shown, *self._hidden()], key=lambda command: command.line))

    @property
    def has_sessions(self) -> bool:
        """Whether it shows any command."""
        return any(True for _ in self._blocks("console"))

    @property
    def documents(self) -> tuple[tuple[int, str], ...]:
        """Its complete documents with their lines."""
        return tuple((line, body) for line, body, _ in self._blocks("yaml") if body.startswith("apiVersion:"))

    @property
    def commands_outside_sessions(self) -> list[str]:
        """Commands of edgewright that no test would run: in other blocks, or in indented ones."""
        blocks = [match["body"] for match in _FENCE.finditer(self.text) if match["info"] not in ("console", "text")]
        prose = re.sub(r"<!--.*?-->", "", _FENCE.sub("", self.text), flags=re.DOTALL)
        inside = [
            line for block in blocks for line in block.splitlines() if re.match(r" *(\$ )?edgewright [a-z-]", line)
        ]
        indented = [line for line in prose.splitlines() if re.match(r"(    |\$ ) *edgewright [a-z-]", line)]
        return [line.strip() for line in [*inside, *indented]]

    def _hidden(self) -> Iterator[Command]:
        for match in _HIDDEN.finditer(self.text):
            yield Command(self.text.count("\n", 0, match.start()) + 1, match[1].strip(), None, 0)

    def _blocks(self, info: str) -> Iterator[tuple[int, str, int]]:
        for match in _FENCE.finditer(self.text):
            if match["info"].split(" ")[0] == info:
                line = self.text.count("\n", 0, match.start()) + 2
                status = _EXIT.search(self.text[: match.start()])
                yield line, match["body"], int(status[1]) if status else 0


def _session(first: int, body: str, exit_code: int) -> Iterator[Command]:
    lines = body.splitlines()
    starts = [index for index, line in enumerate(lines) if line.startswith("$ ")]
    for index, start in enumerate(starts):
        end = starts[index + 1] if index + 1 < len(starts) else len(lines)
        text = lines[start][2:]
        after = start + 1
        while after < end and lines[after].startswith("> "):
            text += "\n" + lines[after][2:]
            after += 1
        output = "\n".join(lines[after:end]).strip("\n")
        yield Command(first + start, _COMMENT.sub("", text), output or None, exit_code)


def is_as_shown(shown: str, printed: str) -> bool:
    """Tell whether output is what a page claims.

    `…` stands for anything. How long something took, when it was, shortened digests and how columns are padded do not
    count.
    """
    pattern = ".*".join(re.escape(part) for part in _plain(shown).split("…"))
    return re.fullmatch(pattern, _plain(printed), re.DOTALL) is not None


def _plain(text: str) -> str:
    text = _DIGEST.sub("<digest>", _MOMENT.sub("<time>", _DURATION.sub("<duration>", text)))
    return "\n".join(" ".join(line.split()) for line in text.strip().splitlines())
