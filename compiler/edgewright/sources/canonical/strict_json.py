"""JSON documents of a model folder: bounded, without duplicate keys, with the place of a key.

Owns reading; must not know what the documents mean. Standard library only.

Invariants: nothing is read before its size is in bounds; two readers cannot see two documents in one file, because a
key that is written twice is refused.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from edgewright.sources.canonical.refused import RefusedError

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_COLON = re.compile(r"\s*:")


def bounded_bytes(path: Path, name: str, limit_bytes: int) -> bytes:
    """Content of a regular file of at most `limit_bytes`."""
    if path.is_symlink() or not path.is_file():
        raise RefusedError("not-a-file", name, "not a regular file")
    size = path.stat().st_size
    if size > limit_bytes:
        raise RefusedError("file-too-large", name, f"{size} bytes, at most {limit_bytes} are read")
    return path.read_bytes()


def place_of_key(text: str, key: str) -> tuple[int, int] | None:
    """Line and column of the first place where `key` is written as a key of an object.

    Quotes appear in JSON around strings only, so reading string after string never mistakes a value for a key.
    """
    for match in _STRING.finditer(text):
        if _COLON.match(text, match.end()) and json.loads(match.group(), strict=False) == key:
            line = text.count("\n", 0, match.start()) + 1
            return line, match.start() - (text.rfind("\n", 0, match.start()) + 1) + 1
    return None


def _reject_constant(value: str) -> Any:
    raise ValueError(f"{value} is not JSON")


def parse_object(data: bytes, name: str) -> tuple[dict[str, Any], str]:
    """A JSON object and its text. Refuses anything that is not one: `json-malformed`, `json-duplicate-key`."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RefusedError("json-malformed", name, f"byte {error.start} is not UTF-8") from None

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(items)
        if len(result) != len(items):
            twice = next(key for index, (key, _) in enumerate(items) if key in dict(items[:index]))
            line, column = place_of_key(text, twice) or (1, 1)
            raise RefusedError(
                "json-duplicate-key", name, f"key {twice!r:.80} is written twice", line=line, column=column
            )
        return result

    try:
        value = json.loads(text, object_pairs_hook=pairs, parse_constant=_reject_constant)
    except json.JSONDecodeError as error:
        raise RefusedError("json-malformed", name, error.msg.lower(), line=error.lineno, column=error.colno) from None
    except RecursionError:
        raise RefusedError("json-malformed", name, "nested too deeply") from None
    except ValueError as error:
        raise RefusedError("json-malformed", name, str(error)) from None
    if not isinstance(value, dict):
        raise RefusedError(
            "json-malformed", name, f"holds a {type(value).__name__}, an object is needed", line=1, column=1
        )
    return value, text


def read_object(path: Path, name: str, limit_bytes: int) -> tuple[dict[str, Any], str]:
    """A JSON object from a file of at most `limit_bytes`, and its text."""
    return parse_object(bounded_bytes(path, name, limit_bytes), name)
