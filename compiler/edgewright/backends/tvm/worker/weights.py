"""The weights blob: every constant of every library once, at a 64-byte boundary.

Owns the layout that all sequence lengths share. A constant that begins another one (the first 32 rows of the position
table) is found inside it. Invariant: places are given in order of first use and never change.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

ALIGNMENT = 64
PREFIX_BYTES = 1024
"""Only constants at least this long are looked for inside others."""


def aligned(size: int) -> int:
    """A size in bytes, rounded up to the alignment."""
    return -(-size // ALIGNMENT) * ALIGNMENT


@dataclass(slots=True)
class Weights:
    """Add constants, longest sequence first; then write the blob."""

    size: int = 0
    _parts: list[tuple[int, bytes]] = field(default_factory=list)
    _places: dict[str, int] = field(default_factory=dict)

    def place(self, array: np.ndarray) -> int:
        """The byte offset of a constant in the blob; equal bytes share one place."""
        content = np.ascontiguousarray(array).tobytes()
        digest = hashlib.sha256(content).hexdigest()
        if digest not in self._places:
            self._places[digest] = self._inside(content) if len(content) >= PREFIX_BYTES else -1
            if self._places[digest] < 0:
                self._places[digest] = self.size
                self._parts.append((self.size, content))
                self.size = aligned(self.size + len(content))
        return self._places[digest]

    def _inside(self, content: bytes) -> int:
        return next((offset for offset, part in self._parts if part.startswith(content)), -1)

    def write(self, path: Path) -> None:
        """Write the blob, gaps filled with zeros."""
        with path.open("wb") as blob:
            for offset, content in self._parts:
                blob.write(b"\0" * (offset - blob.tell()))
                blob.write(content)
            blob.write(b"\0" * (self.size - blob.tell()))
