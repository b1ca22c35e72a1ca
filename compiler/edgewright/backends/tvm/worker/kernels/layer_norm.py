"""Layer normalisation over the last axis: mean, then variance about the mean, then scale and shift, one row at a time."""

from __future__ import annotations

from tvm import tirx
from tvm.tirx.script.builder import ir as T

from edgewright.backends.tvm.worker.kernels import builder, vector
from edgewright.backends.tvm.worker.kernels.machine import Machine, pieces


def kernel(name: str, shape: tuple[int, ...], epsilon: float, machine: Machine) -> tirx.PrimFunc:
    """Arguments: input, scale [columns], shift [columns], output."""
    rows, columns = shape[-2], shape[-1]
    lanes = machine.lanes

    def total(term) -> object:
        """The sum over a row of `term(column, width)`: two vector accumulators, then the pieces of the tail."""
        ways = 4
        registers = [vector.local(lanes) for _ in range(ways)]
        for register in registers:
            vector.put(register, vector.splat(0.0, lanes), lanes)
        bulk = columns // (lanes * ways)
        with T.serial(bulk) as step:
            for way, register in enumerate(registers):
                value = term((step * ways + way) * lanes, lanes)
                vector.put(register, vector.get(register, lanes) + value, lanes)
        done = bulk * lanes * ways
        result = vector.local(1)
        rest = pieces(columns - done, lanes)
        for index, (offset, width) in enumerate(rest):
            if width == lanes:
                register = registers[index % ways]
                vector.put(register, vector.get(register, lanes) + term(done + offset, width), lanes)
        whole = vector.get(registers[0], lanes)
        for register in registers[1:]:
            whole = whole + vector.get(register, lanes)
        vector.put(result, vector.fold(whole, lanes, lambda a, b: a + b), 1)
        for offset, width in rest:
            if width < lanes:
                partial = vector.fold(term(done + offset, width), width, lambda a, b: a + b)
                vector.put(result, vector.get(result, 1) + partial, 1)
        return vector.get(result, 1)

    def body(source: object, scale: object, shift: object, target: object) -> None:
        with T.serial(rows) as row:
            mean = vector.bind(total(lambda c, w: vector.load(source, row, c, w)) * vector.splat(1.0 / columns, 1), 1)

            def squared(column: object, width: int) -> object:
                centred = vector.bind(vector.load(source, row, column, width) - vector.spread(mean, width), width)
                return centred * centred

            variance = total(squared) * vector.splat(1.0 / columns, 1)
            inverse = vector.bind(vector.splat(1.0, 1) / tirx.sqrt(variance + vector.splat(epsilon, 1)), 1)

            def write(column: object, width: int) -> None:
                centred = vector.load(source, row, column, width) - vector.spread(mean, width)
                value = centred * vector.spread(inverse, width) * scale[vector.at(column, width)]
                vector.store(target, value + shift[vector.at(column, width)], row, column, width)

            vectors = columns // lanes
            with T.serial(vectors) as step:
                write(step * lanes, lanes)
            for offset, width in pieces(columns - vectors * lanes, lanes):
                write(vectors * lanes + offset, width)

    return builder.function(
        name, [(shape, "float32"), ((columns,), "float32"), ((columns,), "float32"), (shape, "float32")], body
    )
