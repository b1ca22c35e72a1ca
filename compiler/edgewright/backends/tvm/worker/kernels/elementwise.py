"""A small program of elementwise operations, run on the vectors of a tile before it is stored.

Owns which operations can be fused into a kernel and how each is computed. A program is a list of steps in order; a step
reads scalars, earlier values and operands (other tensors, read where the tile is written).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tvm import tirx

from edgewright.backends.tvm.worker.kernels import vector


@dataclass(frozen=True, slots=True)
class Result:
    """The value of an earlier step; -1 is what the kernel itself computed."""

    step: int


@dataclass(frozen=True, slots=True)
class Operand:
    """Another tensor: `index` among the operands; a `row` operand has one row that serves all rows."""

    index: int
    row: bool


Source = float | Result | Operand


@dataclass(frozen=True, slots=True)
class Step:
    operation: str
    sources: tuple[Source, ...]


ARITHMETIC: dict[str, Callable[..., object]] = {
    "relax.add": lambda w, a, b: a + b,
    "relax.subtract": lambda w, a, b: a - b,
    "relax.multiply": lambda w, a, b: a * b,
    "relax.divide": lambda w, a, b: a / b,
    "relax.maximum": lambda w, a, b: tirx.max(a, b),
    "relax.minimum": lambda w, a, b: tirx.min(a, b),
    "relax.negative": lambda w, a: vector.splat(0.0, w) - a,
    "relax.nn.relu": lambda w, a: tirx.max(a, vector.splat(0.0, w)),
    "relax.exp": lambda w, a: vector.exp(a, w),
    "relax.erf": lambda w, a: vector.erf(a, w),
    "relax.tanh": lambda w, a: vector.tanh(a, w),
    "relax.sigmoid": lambda w, a: vector.splat(1.0, w) / (vector.splat(1.0, w) + vector.exp(vector.splat(0.0, w) - a, w)),
    "relax.square": lambda w, a: a * a,
}
"""Every operation a tile may apply, by its Relax name: (width, operands...) -> value."""


def apply(program: Sequence[Step], value: object, width: int, read: Callable[[Operand], object]) -> object:
    """Run a program on one vector; `read` loads an operand at the vector's place."""
    results: list[object] = []
    for step in program:
        sources = [_source(source, value, results, width, read) for source in step.sources]
        results.append(vector.bind(ARITHMETIC[step.operation](width, *sources), width))
    return results[-1] if results else value


def _source(source: Source, value: object, results: list[object], width: int, read: Callable[[Operand], object]) -> object:
    if isinstance(source, Result):
        return value if source.step < 0 else results[source.step]
    if isinstance(source, Operand):
        return read(source)
    return vector.splat(source, width)
