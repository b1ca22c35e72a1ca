"""Digests: `sha256:<hex>` strings, canonical JSON and the hashing of files.

Invariant: equal values have equal canonical bytes, whatever the order their keys were made in.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

Digest = str
"""`sha256:` and 64 lower-case hexadecimal digits."""

DIGEST_PATTERN = re.compile(r"sha256:[0-9a-f]{64}")
_CHUNK_BYTES = 1 << 20


def is_digest(text: str) -> bool:
    """Tell whether a text is a whole digest."""
    return DIGEST_PATTERN.fullmatch(text) is not None


def digest_bytes(data: bytes) -> Digest:
    """Digest of a byte string."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def digest_file(path: Path) -> Digest:
    """Digest of a file's content, read in chunks."""
    state = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            state.update(chunk)
    return "sha256:" + state.hexdigest()


def canonical_json(value: Any) -> bytes:
    """The one byte form of a JSON value: sorted keys, no spaces, UTF-8, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest_json(value: Any) -> Digest:
    """Digest of a JSON value by its canonical bytes."""
    return digest_bytes(canonical_json(value))


def hex_of(digest: Digest) -> str:
    """The hexadecimal part, as used in file names."""
    if not is_digest(digest):
        raise ValueError(f"not a sha256 digest: {digest[:80]!r}")
    return digest.removeprefix("sha256:")
