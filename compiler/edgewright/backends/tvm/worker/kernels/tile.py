"""The register tile: accumulators of `rows` x `vectors`, one loop over the depth.

Owns the inner loop that all matrix products share. Knows nothing of where rows and columns come from: it is given two
readers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tvm.tirx.script.builder import ir as T

from edgewright.backends.tvm.worker.kernels import vector

Accumulators = list[list[Any]]


def multiply(
    rows: int,
    vectors: int,
    lanes: int,
    depth: int,
    left: Callable[[int, Any], Any],
    right: Callable[[Any, int], Any],
) -> Accumulators:
    """Sum over k of left(row, k) * right(k, vector); returns one register for each row and vector of the tile."""
    tile: Accumulators = [[vector.local(lanes) for _ in range(vectors)] for _ in range(rows)]
    for row in tile:
        for register in row:
            vector.put(register, vector.splat(0.0, lanes), lanes)
    with T.serial(depth) as k:
        columns = [vector.bind(right(k, v), lanes) for v in range(vectors)]
        for index, row in enumerate(tile):
            value = vector.spread(left(index, k), lanes)
            for register, column in zip(row, columns, strict=True):
                vector.put(register, vector.get(register, lanes) + value * column, lanes)
    return tile
