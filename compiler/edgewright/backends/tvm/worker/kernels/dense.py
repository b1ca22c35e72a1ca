"""Rows times a constant matrix, with the elementwise work that follows done on the tile before it is stored.

The matrix is packed at build time: [panel][depth][panel width], zero-padded to whole vectors: the inner loop reads it
in one stream. The loop over panels is outside: a panel stays in the second-level cache while all rows pass over it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tvm import tirx
from tvm.tirx.script.builder import ir as T

from edgewright.backends.tvm.worker.kernels import builder, elementwise, tile, vector
from edgewright.backends.tvm.worker.kernels.machine import Machine, Panel, padded, panels, pieces, row_blocks


@dataclass(frozen=True, slots=True)
class Dense:
    """`rows` x `depth` times `depth` x `columns`; `operands` are the extra tensors of `program`, by shape."""

    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    operands: tuple[tuple[int, ...], ...]
    program: tuple[elementwise.Step, ...]

    @property
    def rows(self) -> int:
        """Rows of the input and the output."""
        return self.input_shape[-2]

    @property
    def depth(self) -> int:
        """Columns of the input, rows of the matrix."""
        return self.input_shape[-1]

    @property
    def columns(self) -> int:
        """Columns of the matrix and the output."""
        return self.output_shape[-1]


def pack(matrix: np.ndarray, machine: Machine) -> np.ndarray:
    """Pack a [depth, columns] matrix into a flat array of panels; padding is zero."""
    depth, columns = matrix.shape
    wide = np.zeros((depth, padded(columns, machine)), dtype=np.float32)
    wide[:, :columns] = matrix
    parts = []
    for panel in panels(columns, machine):
        for index in range(panel.count):
            begin = panel.column + index * panel.width(machine)
            parts.append(wide[:, begin : begin + panel.width(machine)].reshape(-1))
    return np.ascontiguousarray(np.concatenate(parts))


def kernel(name: str, spec: Dense, machine: Machine) -> tirx.PrimFunc:
    """Arguments: input, packed matrix, operands..., output."""
    packed = (spec.depth * padded(spec.columns, machine),)
    shapes = [spec.input_shape, packed, *spec.operands, spec.output_shape]

    def body(source: Any, matrix: Any, *rest: Any) -> None:
        *operands, target = rest
        for panel in panels(spec.columns, machine):
            with T.serial(panel.count) as index:
                for first, height, count in row_blocks(spec.rows, machine):
                    with T.serial(count) as block:
                        _tile(
                            spec,
                            machine,
                            panel,
                            index,
                            first + block * height,
                            height,
                            source,
                            matrix,
                            operands,
                            target,
                        )

    return builder.function(name, [(shape, "float32") for shape in shapes], body)


def _tile(
    spec: Dense, machine: Machine, panel: Panel, index: Any, row: Any, height: int,
    source: Any, matrix: Any, operands: Sequence[Any], target: Any,
) -> None:  # fmt: skip
    lanes, width = machine.lanes, panel.width(machine)
    begin = spec.depth * panel.column + index * (spec.depth * width)
    accumulators = tile.multiply(
        height,
        panel.vectors,
        lanes,
        spec.depth,
        lambda r, k: vector.load(source, row + r, k, 1),
        lambda k, v: matrix[vector.at(begin + k * width + v * lanes, lanes)],
    )
    for r, registers in enumerate(accumulators):
        for v, register in enumerate(registers):
            edge = panel.column + v * lanes
            valid = min(lanes, spec.columns - edge)
            for offset, size in pieces(valid, lanes):
                column = panel.column + index * width + v * lanes + offset
                value = vector.slice_of(vector.get(register, lanes), lanes, offset, size)

                def read(operand: elementwise.Operand, column: Any = column, size: int = size, r: int = r) -> Any:
                    return vector.load(operands[operand.index], 0 if operand.row else row + r, column, size)

                vector.store(target, elementwise.apply(spec.program, value, size, read), row + r, column, size)
