"""What a kernel generator must know of a processor: how wide its vectors are, how many it can hold, what a tile is.

Owns the choice of register tiles. Knows no framework. Invariant: the column tiling of a packed matrix depends on the
matrix and the machine alone, never on the number of rows, so that one packed weight serves every sequence length.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Machine:
    """`lanes`: floats in the vectors that kernels are written in; `tile_rows` x `tile_vectors`: the register tile."""

    lanes: int
    tile_rows: int
    tile_vectors: int


AVX512 = Machine(lanes=16, tile_rows=8, tile_vectors=3)
"""32 registers: 24 accumulators, 3 columns, 1 broadcast. 117 GFLOP/s of 117 possible on Zen 4 (measured)."""

AVX2 = Machine(lanes=8, tile_rows=6, tile_vectors=2)
"""16 registers: 12 accumulators, 2 columns, 1 broadcast."""

SSE = Machine(lanes=4, tile_rows=6, tile_vectors=2)
"""x86-64 baseline, same register count as AVX2."""

NEON = Machine(lanes=4, tile_rows=8, tile_vectors=3)
"""32 registers of 128 bits: 24 accumulators, 3 columns, multiplied by element."""

RVV = Machine(lanes=8, tile_rows=6, tile_vectors=2)
"""32 registers, at least 128 bits each: vectors of 8 floats take a pair, so 12 + 2 of the 16 pairs are in use."""

SCALAR = Machine(lanes=4, tile_rows=4, tile_vectors=1)
"""No vectors: 4 x 4 accumulators in 32 scalar registers; the compiler splits the 4-float vectors."""


@dataclass(frozen=True, slots=True)
class Panel:
    """`count` neighbouring column panels, each `vectors` wide, the first of which begins at `column`.

    A panel is stored as [depth][vectors * lanes], panels one after another. Only a panel that stands alone has
    padding.
    """

    column: int
    vectors: int
    count: int

    def width(self, machine: Machine) -> int:
        """Columns of one panel, padding included."""
        return self.vectors * machine.lanes


def panels(columns: int, machine: Machine) -> list[Panel]:
    """Cut `columns` into full tiles without padding, then one panel of whole vectors that may end in padding."""
    width = machine.tile_vectors * machine.lanes
    full, rest = divmod(columns, width)
    cut = [Panel(0, machine.tile_vectors, full)] if full else []
    if rest:
        cut.append(Panel(full * width, -(-rest // machine.lanes), 1))
    return cut


def padded(columns: int, machine: Machine) -> int:
    """Columns of the packed matrix: `columns` rounded up to whole vectors."""
    return -(-columns // machine.lanes) * machine.lanes


def row_blocks(rows: int, machine: Machine) -> list[tuple[int, int, int]]:
    """Cut `rows` into (first row, rows a block, blocks): full tiles, then what remains as one smaller tile."""
    full, rest = divmod(rows, machine.tile_rows)
    blocks = [(0, machine.tile_rows, full)] if full else []
    if rest:
        blocks.append((full * machine.tile_rows, rest, 1))
    return blocks


def pieces(count: int, lanes: int) -> list[tuple[int, int]]:
    """Cut `count` floats into (offset, width): whole vectors, then falling powers of two, so that nothing is read or
    written past the end."""
    cut: list[tuple[int, int]] = []
    offset, width = 0, lanes
    while offset < count:
        while width > count - offset:
            width //= 2
        cut.append((offset, width))
        offset += width
    return cut
