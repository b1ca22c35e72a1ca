"""The header of a safetensors file, checked against the file without reading the weights.

Owns the format's rules: https://huggingface.co/docs/safetensors (8 bytes little-endian header length, a JSON object,
then the data, which the tensors cover without a gap or an overlap). Standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgewright.sources.canonical.refused import RefusedError
from edgewright.sources.canonical.strict_json import parse_object

HEADER_LIMIT_BYTES = 16 * 2**20
MAX_TENSORS = 100_000
BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16,
    "I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """One tensor as the header declares it."""

    name: str
    dtype: str
    shape: tuple[int, ...]


def read_safetensors_header(path: Path, name: str) -> tuple[TensorEntry, ...]:
    """The tensors of a safetensors file, every offset checked. Raises `safetensors-malformed`."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        prefix = stream.read(8)
        if len(prefix) < 8:
            raise _malformed(name, f"{size} bytes, a header length alone takes 8")
        length = int.from_bytes(prefix, "little")
        if length > HEADER_LIMIT_BYTES:
            raise _malformed(name, f"the header claims {length} bytes, at most {HEADER_LIMIT_BYTES} are read")
        if 8 + length > size:
            raise _malformed(name, f"the header claims {length} bytes, the file has {size - 8} after its length")
        data = stream.read(length)
    if not data.startswith(b"{"):
        raise _malformed(name, "the header does not begin with '{'")
    header, _ = parse_object(data, f"{name} (header)")
    header.pop("__metadata__", None)
    if len(header) > MAX_TENSORS:
        raise _malformed(name, f"{len(header)} tensors, at most {MAX_TENSORS} are read")
    entries = [_entry(name, tensor, value) for tensor, value in header.items()]
    _check_cover(name, entries, size - 8 - length)
    return tuple(entry for _, _, entry in entries)


def _malformed(name: str, problem: str) -> RefusedError:
    return RefusedError("safetensors-malformed", name, problem, hint="fetch the file again: header and size disagree")


def _natural(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _entry(name: str, tensor: str, value: Any) -> tuple[int, int, TensorEntry]:
    if not isinstance(value, dict) or set(value) != {"dtype", "shape", "data_offsets"}:
        raise _malformed(name, f"tensor {tensor!r:.120} does not have exactly dtype, shape and data_offsets")
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(dtype, str) or dtype not in BITS:
        raise _malformed(name, f"tensor {tensor!r:.120} has dtype {dtype!r:.40}, known are {', '.join(BITS)}")
    if not isinstance(shape, list) or len(shape) > 8 or not all(_natural(extent) for extent in shape):
        raise _malformed(name, f"tensor {tensor!r:.120} has shape {shape!r:.80}, up to 8 natural numbers are allowed")
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(_natural(offset) for offset in offsets):
        raise _malformed(name, f"tensor {tensor!r:.120} has data_offsets {offsets!r:.80}, two are needed")
    bits = BITS[dtype]
    for extent in shape:
        bits *= extent
    if offsets[1] - offsets[0] != bits // 8:
        raise _malformed(
            name,
            f"tensor {tensor!r:.120} has {offsets[1] - offsets[0]} bytes, {bits // 8} by its shape and dtype",
        )
    return offsets[0], offsets[1], TensorEntry(tensor, dtype, tuple(shape))


def _check_cover(name: str, entries: list[tuple[int, int, TensorEntry]], data_bytes: int) -> None:
    position = 0
    for begin, end, entry in sorted(entries, key=lambda item: item[:2]):
        if begin != position:
            kind = "overlaps the tensor before it" if begin < position else "leaves a gap before it"
            raise _malformed(name, f"tensor {entry.name!r:.120} begins at byte {begin}, not {position}: it {kind}")
        position = end
    if position != data_bytes:
        raise _malformed(name, f"the tensors end at byte {position} of the data, the file has {data_bytes}")
