"""Reading JSON that may be hostile, and the small checks of its values.

Owns: size caps, duplicate keys, depth, and typed access. Must not know what any document means.

Invariants: nothing is read beyond its cap; a symbolic link, a device or a pipe is never opened as a document; every
refusal names the document and the key.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgewright.device.refusal import Refusal

KEBAB = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
HEX_SHA256 = re.compile(r"[0-9a-f]{64}")


class _MalformedError(ValueError):
    pass


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise _MalformedError(f"has the key {key[:60]!r} twice")
        result[key] = value
    return result


def _no_constant(name: str) -> Any:
    raise _MalformedError(f"has the number {name}, which is not JSON")


def read_capped(path: Path, cap_bytes: int, slug: str) -> bytes:
    """Bytes of a regular file of at most `cap_bytes`; refuses links, special files, and more."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise Refusal(slug, f"{path.name} is missing", hint=f"expected at {path}") from None
    except OSError as error:
        raise Refusal(slug, f"{path.name} cannot be opened: {error.strerror}") from None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise Refusal(slug, f"{path.name} is not a regular file")
        if status.st_size > cap_bytes:
            raise Refusal(slug, f"{path.name} has {status.st_size} bytes, {cap_bytes} are allowed")
        content = file.read(cap_bytes + 1)
    if len(content) > cap_bytes:
        raise Refusal(slug, f"{path.name} grew beyond {cap_bytes} bytes while it was read")
    return content


def parse_object(content: bytes, name: str, slug: str) -> dict[str, Any]:
    """The JSON object in `content`; refuses other values, duplicate keys, NaN, and nesting that exhausts the stack."""
    try:
        document = json.loads(content.decode("utf-8"), object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except _MalformedError as error:
        raise Refusal(slug, f"{name} {error}") from None
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise Refusal(slug, f"{name} is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise Refusal(slug, f"{name} is not a JSON object")
    return document


class Fields:
    """Typed access to the members of one JSON object; every miss is a refusal with the path of the key."""

    def __init__(self, document: Mapping[str, Any], name: str, slug: str) -> None:
        self._document = document
        self._name = name
        self._slug = slug

    def refuse(self, key: str, complaint: str) -> Refusal:
        """A refusal that names the document and the key."""
        return Refusal(self._slug, f"{self._name}: {key} {complaint}")

    def only(self, *allowed: str) -> Fields:
        """Refuse every key that is not in `allowed`."""
        for key in self._document:
            if key not in allowed:
                raise self.refuse(str(key)[:60], "is not a known key")
        return self

    def text(self, key: str, pattern: re.Pattern[str] | None = None) -> str:
        """A text, optionally of a pattern."""
        value = self._document.get(key)
        if not isinstance(value, str) or len(value) > 4096:
            raise self.refuse(key, "is missing or not a text")
        if pattern is not None and not pattern.fullmatch(value):
            raise self.refuse(key, f"is {value[:80]!r}, which does not match {pattern.pattern}")
        return value

    def integer(self, key: str, low: int, high: int) -> int:
        """A whole number within bounds."""
        value = self._document.get(key)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.refuse(key, "is missing or not a whole number")
        if not low <= value <= high:
            raise self.refuse(key, f"is {value}, {low} to {high} is allowed")
        return value

    def optional_integer(self, key: str, low: int, high: int) -> int | None:
        """A whole number within bounds, or nothing."""
        return None if self._document.get(key) is None else self.integer(key, low, high)

    def optional_number(self, key: str) -> float | None:
        """A number or nothing."""
        value = self._document.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.refuse(key, "is not a number")
        return float(value)

    def object(self, key: str) -> dict[str, Any]:
        """An object."""
        value = self._document.get(key)
        if not isinstance(value, dict):
            raise self.refuse(key, "is missing or not an object")
        return value

    def array(self, key: str, longest: int = 100_000) -> list[Any]:
        """A list of bounded length."""
        value = self._document.get(key)
        if not isinstance(value, list):
            raise self.refuse(key, "is missing or not a list")
        if len(value) > longest:
            raise self.refuse(key, f"has {len(value)} entries, {longest} are allowed")
        return value

    def child(self, key: str) -> Fields:
        """The members of an object inside this one."""
        return Fields(self.object(key), f"{self._name}: {key}", self._slug)
