"""Text for calibration: which lines of a dataset are taken.

Owns reading and choosing. Standard library only. Invariants: the choice depends on the file and the number alone (it
is spread evenly over the file, no randomness); every line is bounded and must be a JSON object with text in it.
"""

from __future__ import annotations

import json
from pathlib import Path

MAX_FILE_BYTES = 64 * 2**20
MAX_LINE_CHARACTERS = 100_000
_TEXT_KEYS = ("text", "passage", "query")


class CalibrationError(Exception):
    """The dataset cannot be used; the message names file and line."""


def calibration_file(path: Path) -> Path:
    """The dataset itself, or the one .jsonl file of a dataset folder."""
    if path.is_file():
        return path
    found = sorted(path.glob("*.jsonl"))
    if len(found) != 1:
        raise CalibrationError(f"{path.name}: {len(found)} .jsonl files, exactly 1 is needed")
    return found[0]


def read_texts(path: Path, samples: int) -> list[str]:
    """Up to `samples` texts, evenly spread over the file. At least one is needed."""
    file = calibration_file(path)
    size = file.stat().st_size
    if size > MAX_FILE_BYTES:
        raise CalibrationError(f"{file.name}: {size} bytes, at most {MAX_FILE_BYTES} are read")
    texts: list[str] = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if line.strip():
            texts.extend(_texts_of(line, f"{file.name}:{number}"))
    if not texts:
        raise CalibrationError(f"{file.name}: 0 texts, at least 1 is needed to measure activations on")
    step = max(1.0, len(texts) / samples)
    return [texts[int(index * step)] for index in range(min(samples, len(texts)))]


def _texts_of(line: str, place: str) -> list[str]:
    if len(line) > MAX_LINE_CHARACTERS:
        raise CalibrationError(f"{place}: {len(line)} characters, at most {MAX_LINE_CHARACTERS} are read")
    try:
        row = json.loads(line)
    except ValueError as error:
        raise CalibrationError(f"{place}: {str(error).lower()}") from None
    if not isinstance(row, dict):
        raise CalibrationError(f"{place}: holds a {type(row).__name__}, an object is needed")
    messages = row.get("messages")
    if isinstance(messages, list):
        return [message["content"] for message in messages if isinstance(message, dict) and "content" in message]
    texts = [row[key] for key in _TEXT_KEYS if isinstance(row.get(key), str)]
    if not texts:
        raise CalibrationError(f"{place}: has none of {', '.join((*_TEXT_KEYS, 'messages'))}")
    return texts
