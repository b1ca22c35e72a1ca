"""A small program of elementwise operations, run on the vectors of a tile before it is stored.

Owns which operations can be fused into a kernel and how each is computed. A program is a list of steps in order; a
step reads scalars, earlier values and operands (other tensors, read where the tile is written).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

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
    """One operation, by its Relax name, on its sources."""

    operation: str
    sources: tuple[Source, ...]


def _sigmoid(width: int, value: Any) -> Any:
    one = vector.splat(1.0, width)
    return one / (one + vector.exp(vector.splat(0.0, width) - value, width))


ARITHMETIC: dict[str, Callable[..., Any]] = {
    "relax.add": lambda _, a, b: a + b,
    "relax.subtract": lambda _, a, b: a - b,
    "relax.multiply": lambda _, a, b: a * b,
    "relax.divide": lambda _, a, b: a / b,
    "relax.maximum": lambda _, a, b: tirx.max(a, b),
    "relax.minimum": lambda _, a, b: tirx.min(a, b),
    "relax.negative": lambda width, a: vector.splat(0.0, width) - a,
    "relax.nn.relu": lambda width, a: tirx.max(a, vector.splat(0.0, width)),
    "relax.exp": lambda width, a: vector.exp(a, width),
    "relax.erf": lambda width, a: vector.erf(a, width),
    "relax.tanh": lambda width, a: vector.tanh(a, width),
    "relax.sigmoid": _sigmoid,
    "relax.square": lambda _, a: a * a,
}
"""Every operation a tile may apply, by its Relax name: (width, operands...) -> value."""


def apply(program: Sequence[Step], value: Any, width: int, read: Callable[[Operand], Any]) -> Any:
    """Run a program on one vector; `read` loads an operand at the vector's place."""
    results: list[Any] = []
    for step in program:
        sources = [_source(source, value, results, width, read) for source in step.sources]
        results.append(vector.bind(ARITHMETIC[step.operation](width, *sources), width))
    return results[-1] if results else value


def _source(source: Source, value: Any, results: list[Any], width: int, read: Callable[[Operand], Any]) -> Any:
    if isinstance(source, Result):
        return value if source.step < 0 else results[source.step]
    if isinstance(source, Operand):
        return read(source)
    return vector.splat(source, width)
