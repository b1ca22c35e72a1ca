"""Multi-head attention over unsplit projections: scores, bias, softmax and values, one block of query rows at a time.

Per head, keys are gathered once into column panels with the scale already applied, and values into panels padded to
whole vectors; then each block of rows computes its scores into a buffer that fits the first-level cache, exponentiates
them in place and multiplies by the values. No head-split tensor ever exists, so any head width works.

Columns past the last key get the lowest float32, so they weigh nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tvm import tirx
from tvm.tirx.script.builder import ir as T

from edgewright.backends.tvm.worker.kernels import builder, tile, vector
from edgewright.backends.tvm.worker.kernels.machine import Machine, Panel, padded, panels, pieces, row_blocks

LOWEST = -3.4028234663852886e38


@dataclass(frozen=True, slots=True)
class Attention:
    """Projections are [1, rows, heads * width]; a bias is [1, 1 or heads, 1 or rows, rows], added to the scores."""

    rows: int
    heads: int
    width: int
    scale: float
    biases: tuple[tuple[int, ...], ...]

    @property
    def projection(self) -> tuple[int, ...]:
        """Shape of query, key, value and output."""
        return (1, self.rows, self.heads * self.width)

    def scratch(self, machine: Machine) -> tuple[int, int, int]:
        """Floats of the three scratch tensors: keys, values, scores."""
        keys = self.width * padded(self.rows, machine)
        values = self.rows * padded(self.width, machine)
        return keys, values, machine.tile_rows * padded(self.rows, machine)


def kernel(name: str, spec: Attention, machine: Machine) -> tirx.PrimFunc:
    """Arguments: query, key, value, biases..., output, keys scratch, values scratch, scores scratch."""
    shapes = [spec.projection] * 3 + list(spec.biases) + [spec.projection]
    shapes += [(floats,) for floats in spec.scratch(machine)]

    def body(query: Any, key: Any, value: Any, *rest: Any) -> None:
        biases = rest[: len(spec.biases)]
        target, keys, values, scores = rest[len(spec.biases) :]
        with T.serial(spec.heads) as head:
            _gather_keys(spec, machine, head, key, keys)
            _gather_values(spec, machine, head, value, values)
            for first, height, count in row_blocks(spec.rows, machine):
                with T.serial(count) as block:
                    row = first + block * height
                    _scores(spec, machine, head, row, height, query, keys, biases, scores)
                    sums = [_softmax(spec, machine, r, scores) for r in range(height)]
                    _values(spec, machine, head, row, height, scores, sums, values, target)

    return builder.function(name, [(shape, "float32") for shape in shapes], body)


def _gather_keys(spec: Attention, machine: Machine, head: Any, key: Any, keys: Any) -> None:
    """keys[panel][d][column] = scale * key[column, head, d]; columns past the end are zero."""
    for panel in panels(spec.rows, machine):
        width = panel.width(machine)
        with T.serial(panel.count) as index:
            begin = panel.column * spec.width + index * (width * spec.width)
            valid = min(width, spec.rows - panel.column)
            with T.serial(valid) as column, T.serial(spec.width) as d:
                read = key[0, panel.column + index * width + column, head * spec.width + d]
                T.buffer_store(keys, read * vector.splat(spec.scale, 1), [begin + d * width + column])
            if valid < width:
                with T.serial(width - valid) as column, T.serial(spec.width) as d:
                    T.buffer_store(keys, vector.splat(0.0, 1), [begin + d * width + valid + column])


def _gather_values(spec: Attention, machine: Machine, head: Any, value: Any, values: Any) -> None:
    """values[panel][row][column] = value[row, head, column]; columns past the end are zero."""
    lanes = machine.lanes
    for panel in panels(spec.width, machine):
        width = panel.width(machine)
        with T.serial(panel.count) as index, T.serial(spec.rows) as row:
            begin = panel.column * spec.rows + index * (width * spec.rows) + row * width
            source = head * spec.width + panel.column + index * width
            valid = min(width, spec.width - panel.column)
            for offset, size in pieces(valid, lanes):
                read = vector.load(value, row, source + offset, size)
                T.buffer_store(values, read, [vector.at(begin + offset, size)])
            for column in range(valid, width):
                T.buffer_store(values, vector.splat(0.0, 1), [begin + column])


def _scores(
    spec: Attention, machine: Machine, head: Any, row: Any, height: int,
    query: Any, keys: Any, biases: Sequence[Any], scores: Any,
) -> None:  # fmt: skip
    """scores[r][column] = query . key + biases for one block of rows."""
    lanes, stride = machine.lanes, padded(spec.rows, machine)
    for panel in panels(spec.rows, machine):
        width = panel.width(machine)
        with T.serial(panel.count) as index:
            begin = panel.column * spec.width + index * (width * spec.width)
            products = tile.multiply(
                height,
                panel.vectors,
                lanes,
                spec.width,
                lambda r, k: query[0, row + r, head * spec.width + k],
                _panel_reader(keys, begin, width, lanes),
            )
            for r, registers in enumerate(products):
                for v, register in enumerate(registers):
                    column = panel.column + index * width + v * lanes
                    valid = min(lanes, spec.rows - panel.column - v * lanes)
                    for offset, size in pieces(valid, lanes):
                        value = vector.slice_of(vector.get(register, lanes), lanes, offset, size)
                        for bias in biases:
                            value = value + _bias(bias, head, row + r, column + offset, size)
                        T.buffer_store(scores, value, [vector.at(r * stride + column + offset, size)])
                    for offset in range(valid, lanes):
                        T.buffer_store(scores, vector.splat(LOWEST, 1), [r * stride + column + offset])


def _bias(bias: Any, head: Any, row: Any, column: Any, width: int) -> Any:
    place = [0, 0 if int(bias.shape[1]) == 1 else head, 0 if int(bias.shape[2]) == 1 else row, vector.at(column, width)]
    return bias[tuple(place)]


def _softmax(spec: Attention, machine: Machine, r: int, scores: Any) -> Any:
    """Replace a row of scores by exp(score - largest); returns the reciprocal of their sum."""
    lanes, stride = machine.lanes, padded(spec.rows, machine)
    largest = vector.local(lanes)
    vector.put(largest, vector.splat(LOWEST, lanes), lanes)
    with T.serial(stride // lanes) as step:
        value = scores[vector.at(r * stride + step * lanes, lanes)]
        vector.put(largest, tirx.max(vector.get(largest, lanes), value), lanes)
    top = vector.bind(vector.fold(vector.get(largest, lanes), lanes, tirx.max), 1)
    total = vector.local(lanes)
    vector.put(total, vector.splat(0.0, lanes), lanes)
    with T.serial(stride // lanes) as step:
        place = vector.at(r * stride + step * lanes, lanes)
        weight = vector.bind(vector.exp(scores[place] - vector.spread(top, lanes), lanes), lanes)
        T.buffer_store(scores, weight, [place])
        vector.put(total, vector.get(total, lanes) + weight, lanes)
    return vector.bind(vector.splat(1.0, 1) / vector.fold(vector.get(total, lanes), lanes, lambda a, b: a + b), 1)


def _values(
    spec: Attention, machine: Machine, head: Any, row: Any, height: int,
    scores: Any, sums: Sequence[Any], values: Any, target: Any,
) -> None:  # fmt: skip
    """target[row, head] = weights . values / sum for one block of rows."""
    lanes, stride = machine.lanes, padded(spec.rows, machine)
    for panel in panels(spec.width, machine):
        with T.serial(panel.count) as index:
            products = _weighted(spec, machine, panel, index, height, stride, scores, values)
            for r, registers in enumerate(products):
                for v, register in enumerate(registers):
                    column = head * spec.width + panel.column + index * panel.width(machine) + v * lanes
                    valid = min(lanes, spec.width - panel.column - v * lanes)
                    for offset, size in pieces(valid, lanes):
                        value = vector.slice_of(vector.get(register, lanes), lanes, offset, size)
                        vector.store(target, value * vector.spread(sums[r], size), row + r, column + offset, size)


def _weighted(
    spec: Attention, machine: Machine, panel: Panel, index: Any, height: int, stride: int, scores: Any, values: Any
) -> tile.Accumulators:
    width = panel.width(machine)
    begin = panel.column * spec.rows + index * (width * spec.rows)
    return tile.multiply(
        height,
        panel.vectors,
        machine.lanes,
        spec.rows,
        lambda r, k: scores[r * stride + k],
        _panel_reader(values, begin, width, machine.lanes),
    )


def _panel_reader(buffer: Any, begin: Any, width: int, lanes: int) -> Callable[[Any, int], Any]:
    """Reads vector `v` of step `k` of a column panel."""
    return lambda k, v: buffer[vector.at(begin + k * width + v * lanes, lanes)]
