"""Vector arithmetic over TIR expressions: loads, stores, pieces of vectors, and exp, erf and tanh without libm.

Owns the approximations; each states its source and error. Values are float32 of one width; a width of 1 is a scalar.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tvm import tirx
from tvm.tirx.script.builder import ir as T


def splat(number: float, width: int) -> Any:
    """A constant in every lane."""
    constant = tirx.const(number, "float32")
    return constant if width == 1 else tirx.Broadcast(constant, width)


def spread(value: Any, width: int) -> Any:
    """A scalar expression in every lane."""
    return value if width == 1 else tirx.Broadcast(value, width)


def at(column: Any, width: int) -> Any:
    """The index of `width` neighbouring elements."""
    return column if width == 1 else tirx.Ramp(column, 1, width)


def cells(buffer: Any, row: Any, column: Any, width: int) -> list[Any]:
    """Indices of `width` neighbours in a buffer whose leading axes, but the last two, have extent 1."""
    if len(buffer.shape) == 1:
        return [at(column, width)]
    return [0] * (len(buffer.shape) - 2) + [row, at(column, width)]


def load(buffer: Any, row: Any, column: Any, width: int) -> Any:
    """Read `width` neighbours of one row."""
    return buffer[tuple(cells(buffer, row, column, width))]


def store(buffer: Any, value: Any, row: Any, column: Any, width: int) -> None:
    """Write `width` neighbours of one row."""
    T.buffer_store(buffer, value, cells(buffer, row, column, width))


def local(width: int) -> Any:
    """A register: a buffer of one vector that LLVM promotes."""
    return T.alloc_buffer((width,), "float32", scope="local")


def get(register: Any, width: int) -> Any:
    """The value of a register."""
    return register[at(0, width)]


def put(register: Any, value: Any, width: int) -> None:
    """Give a register a value."""
    T.buffer_store(register, value, [at(0, width)])


def bind(value: Any, width: int) -> Any:
    """Name a value, so that using it twice does not write its expression twice."""
    register = local(width)
    put(register, value, width)
    return get(register, width)


def slice_of(vector: Any, lanes: int, offset: int, width: int) -> Any:
    """Lanes [offset, offset + width) of a vector of `lanes`."""
    if width == lanes:
        return vector
    return tirx.Shuffle([vector], list(range(offset, offset + width)))


def fold(vector: Any, lanes: int, combine: Any) -> Any:
    """Reduce the lanes of a vector to one scalar, halving it each step."""
    while lanes > 1:
        half = lanes // 2
        whole = bind(vector, lanes)
        vector = combine(slice_of(whole, lanes, 0, half), slice_of(whole, lanes, half, half))
        lanes = half
    return vector


def polynomial(x: Any, coefficients: Sequence[float], width: int) -> Any:
    """Horner's scheme, highest power first."""
    total = splat(coefficients[0], width)
    for coefficient in coefficients[1:]:
        total = total * x + splat(coefficient, width)
    return total


def exp(x: Any, width: int) -> Any:
    """e**x by x = n ln 2 + r, |r| <= ln 2 / 2, and a polynomial of degree 6 (Cephes expf); relative error < 2e-7.

    Arguments below -87 give about 1e-38, not 0; above 88 they are clamped. The nearest integer is found by adding
    1.5 * 2**23, whose sum holds it in its low bits: no conversion is needed, and qemu 7.2 stumbles over RISC-V's.
    """
    x = bind(tirx.max(tirx.min(x, splat(88.0, width)), splat(-87.0, width)), width)
    shifted = bind(x * splat(math.log2(math.e), width) + splat(12582912.0, width), width)
    n = bind(shifted - splat(12582912.0, width), width)
    r = bind(x - n * splat(0.693359375, width) - n * splat(-2.12194440e-4, width), width)
    tail = polynomial(
        r, (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 0.5), width
    )
    bits = tirx.reinterpret(_dtype("int32", width), shifted) << _integer(23, width)
    power = tirx.reinterpret(_dtype("float32", width), bits + _integer(127 << 23, width))
    return (tail * (r * r) + r + splat(1.0, width)) * power


def _dtype(name: str, width: int) -> str:
    return name if width == 1 else f"{name}x{width}"


def _integer(number: int, width: int) -> Any:
    constant = tirx.const(number, "int32")
    return constant if width == 1 else tirx.Broadcast(constant, width)


def erf(x: Any, width: int) -> Any:
    """Rational minimax approximation on [-4, 4] (Eigen's); absolute error < 2e-7."""
    x = bind(tirx.max(tirx.min(x, splat(4.0, width)), splat(-4.0, width)), width)
    square = bind(x * x, width)
    above = polynomial(
        square,
        (
            -2.72614225801306e-10, 2.77068142495902e-08, -2.10102402082508e-06, -5.69250639462346e-05,
            -7.34990630326855e-04, -2.95459980854025e-03, -1.60960333262415e-02,
        ),
        width,
    )  # fmt: skip
    below = polynomial(
        square,
        (
            -1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03, -7.37332916720468e-03,
            -1.42647390514189e-02,
        ),
        width,
    )  # fmt: skip
    return x * above / below


def tanh(x: Any, width: int) -> Any:
    """1 - 2 / (e**2x + 1); absolute error < 2e-7."""
    return splat(1.0, width) - splat(2.0, width) / (exp(x + x, width) + splat(1.0, width))
