"""Layer normalisation over the last axis: mean, variance about the mean, then scale and shift, one row at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tvm import tirx
from tvm.tirx.script.builder import ir as T

from edgewright.backends.tvm.worker.kernels import builder, vector
from edgewright.backends.tvm.worker.kernels.machine import Machine, pieces

WAYS = 4
"""Independent sums, so that one addition need not wait for the one before."""


def kernel(name: str, shape: tuple[int, ...], epsilon: float, machine: Machine) -> tirx.PrimFunc:
    """Arguments: input, scale [columns], shift [columns], output."""
    rows, columns = shape[-2], shape[-1]

    def body(source: Any, scale: Any, shift: Any, target: Any) -> None:
        with T.serial(rows) as row:
            _row(source, scale, shift, target, row, columns, epsilon, machine)

    return builder.function(
        name, [(shape, "float32"), ((columns,), "float32"), ((columns,), "float32"), (shape, "float32")], body
    )


def _row(
    source: Any, scale: Any, shift: Any, target: Any, row: Any, columns: int, epsilon: float, machine: Machine
) -> None:
    share = vector.splat(1.0 / columns, 1)
    mean = vector.bind(_total(columns, machine, lambda c, w: vector.load(source, row, c, w)) * share, 1)

    def centred(column: Any, width: int) -> Any:
        return vector.bind(vector.load(source, row, column, width) - vector.spread(mean, width), width)

    def squared(column: Any, width: int) -> Any:
        distance = centred(column, width)
        return distance * distance

    variance = _total(columns, machine, squared) * share
    inverse = vector.bind(vector.splat(1.0, 1) / tirx.sqrt(variance + vector.splat(epsilon, 1)), 1)

    def write(column: Any, width: int) -> None:
        place = vector.at(column, width)
        value = centred(column, width) * vector.spread(inverse, width) * scale[place] + shift[place]
        vector.store(target, value, row, column, width)

    vectors = columns // machine.lanes
    with T.serial(vectors) as step:
        write(step * machine.lanes, machine.lanes)
    for offset, width in pieces(columns - vectors * machine.lanes, machine.lanes):
        write(vectors * machine.lanes + offset, width)


def _total(columns: int, machine: Machine, term: Callable[[Any, int], Any]) -> Any:
    """The sum over a row of `term(column, width)`: four vector sums, then the pieces of the tail."""
    lanes = machine.lanes
    registers = [vector.local(lanes) for _ in range(WAYS)]
    for register in registers:
        vector.put(register, vector.splat(0.0, lanes), lanes)
    bulk = columns // (lanes * WAYS)
    with T.serial(bulk) as step:
        for way, register in enumerate(registers):
            value = term((step * WAYS + way) * lanes, lanes)
            vector.put(register, vector.get(register, lanes) + value, lanes)
    done = bulk * lanes * WAYS
    rest = pieces(columns - done, lanes)
    for register, (offset, width) in zip(registers, rest, strict=False):
        if width == lanes:
            vector.put(register, vector.get(register, lanes) + term(done + offset, width), lanes)
    whole = vector.get(registers[0], lanes)
    for register in registers[1:]:
        whole = whole + vector.get(register, lanes)
    result = vector.local(1)
    vector.put(result, vector.fold(whole, lanes, lambda a, b: a + b), 1)
    for offset, width in rest:
        if width < lanes:
            partial = vector.fold(term(done + offset, width), width, lambda a, b: a + b)
            vector.put(result, vector.get(result, 1) + partial, 1)
    return vector.get(result, 1)
