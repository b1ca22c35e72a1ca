"""The header of a GGUF file, walked and checked against the file without reading the weights.

Owns the format's rules: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Standard library only. Every count
and length is bounded by what the file can hold before anything is allocated for it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from edgewright.sources.canonical.refused import RefusedError

MAX_TENSORS = 100_000
MAX_KEYS = 65_536
MAX_STRING_BYTES = 16 * 2**20
MAX_ARRAY = 4_000_000
_STRING, _ARRAY = 8, 9
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
# type number -> (name, weights in a block, bytes of a block)
TYPES = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 9: ("Q8_1", 32, 40), 10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210), 15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98), 19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110), 22: ("IQ2_S", 256, 82), 23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1), 25: ("I16", 1, 2), 26: ("I32", 1, 4), 27: ("I64", 1, 8), 28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56), 30: ("BF16", 1, 2), 34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """Scalar and string keys (of an array, its length), and the tensors' names, types and shapes."""

    version: int
    keys: dict[str, Any]
    tensors: dict[str, tuple[str, tuple[int, ...]]]


class _Walk:
    """A bounded reader over the header. Running past the end of the file is `gguf-truncated`, with both numbers."""

    def __init__(self, stream: BinaryIO, name: str, size: int) -> None:
        self.stream = stream
        self.name = name
        self.size = size
        self.position = 0

    def malformed(self, problem: str) -> RefusedError:
        return RefusedError("gguf-malformed", self.name, problem)

    def truncated(self, needed: int, what: str) -> RefusedError:
        return RefusedError(
            "gguf-truncated",
            self.name,
            f"the file has {self.size} bytes, {what} needs at least {needed}",
            hint="fetch the file again: its end is missing",
        )

    def take(self, count: int, what: str) -> bytes:
        if self.position + count > self.size:
            raise self.truncated(self.position + count, what)
        self.position += count
        return self.stream.read(count)

    def number(self, code: str, what: str) -> Any:
        return struct.unpack("<" + code, self.take(struct.calcsize("<" + code), what))[0]

    def string(self, what: str) -> str:
        length = self.number("Q", what)
        if length > MAX_STRING_BYTES:
            raise self.malformed(f"{what} claims {length} bytes, at most {MAX_STRING_BYTES} are read")
        return self.take(length, what).decode("utf-8", errors="replace")

    def value(self, kind: int, what: str) -> Any:
        if kind in _SCALARS:
            return self.number(_SCALARS[kind], what)
        if kind == _STRING:
            return self.string(what)
        if kind == _ARRAY:
            return self._array(what)
        raise self.malformed(f"{what} has type {kind}, known are 0 to 12")

    def _array(self, what: str) -> int:
        kind, count = self.number("I", what), self.number("Q", what)
        if count > MAX_ARRAY:
            raise self.malformed(f"{what} claims {count} entries, at most {MAX_ARRAY} are read")
        if kind in _SCALARS:
            self.take(count * struct.calcsize("<" + _SCALARS[kind]), what)
        elif kind == _STRING:
            for _ in range(count):
                self.string(what)
        else:
            raise self.malformed(f"{what} is an array of type {kind}, arrays of numbers or strings are read")
        return int(count)


def read_gguf_header(path: Path, name: str) -> GgufHeader:
    """Walk a GGUF file's header. Raises RefusedError: `gguf-malformed`, `gguf-truncated`."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        walk = _Walk(stream, name, size)
        if walk.take(4, "the magic number") != b"GGUF":
            raise walk.malformed("does not begin with GGUF")
        version = walk.number("I", "the version")
        if version not in (2, 3):
            raise walk.malformed(f"format version {version}, 2 and 3 (little-endian) are read")
        tensor_count, key_count = walk.number("Q", "the tensor count"), walk.number("Q", "the key count")
        if tensor_count > MAX_TENSORS or key_count > MAX_KEYS:
            raise walk.malformed(
                f"{tensor_count} tensors and {key_count} keys, at most {MAX_TENSORS} and {MAX_KEYS} are read"
            )
        keys = _keys(walk, key_count)
        return GgufHeader(version, keys, _tensors(walk, tensor_count, _alignment(walk, keys)))


def _keys(walk: _Walk, count: int) -> dict[str, Any]:
    keys: dict[str, Any] = {}
    for index in range(count):
        key = walk.string(f"the name of key {index}")
        if key in keys:
            raise walk.malformed(f"key {key!r:.120} is written twice")
        what = f"key {key[:120]!r}"
        keys[key] = walk.value(walk.number("I", what), what)
    return keys


def _alignment(walk: _Walk, keys: dict[str, Any]) -> int:
    alignment = keys.get("general.alignment", 32)
    if not isinstance(alignment, int) or alignment < 1 or alignment > 2**20 or alignment & (alignment - 1):
        raise walk.malformed(f"general.alignment is {alignment!r:.40}, a power of two up to 1048576 is needed")
    return alignment


def _tensors(walk: _Walk, count: int, alignment: int) -> dict[str, tuple[str, tuple[int, ...]]]:
    tensors: dict[str, tuple[str, tuple[int, ...]]] = {}
    ends: list[tuple[int, str]] = []
    for index in range(count):
        tensor = walk.string(f"the name of tensor {index}")
        what = f"tensor {tensor[:120]!r}"
        if tensor in tensors:
            raise walk.malformed(f"{what} is declared twice")
        rank = walk.number("I", what)
        if not 1 <= rank <= 4:
            raise walk.malformed(f"{what} has {rank} dimensions, 1 to 4 are allowed")
        shape = tuple(walk.number("Q", what) for _ in range(rank))
        kind, offset = walk.number("I", what), walk.number("Q", what)
        if kind not in TYPES:
            raise walk.malformed(f"{what} has type {kind}, which is not known")
        label, block, block_bytes = TYPES[kind]
        elements = 1
        for extent in shape:
            elements *= extent
        if shape[0] % block or offset % alignment:
            raise walk.malformed(f"{what} has rows of {shape[0]} in blocks of {block}, at offset {offset}: not aligned")
        tensors[tensor] = (label, shape)
        ends.append((offset + elements // block * block_bytes, tensor))
    data_start = -(-walk.position // alignment) * alignment
    for end, tensor in sorted(ends, reverse=True)[:1]:
        if data_start + end > walk.size:
            raise walk.truncated(data_start + end, f"tensor {tensor[:120]!r}")
    return tensors
