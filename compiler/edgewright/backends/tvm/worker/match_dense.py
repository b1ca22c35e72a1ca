"""Find products with a constant matrix and the elementwise work that can be done on their tiles.

Owns the growth of a fused region: from the product onwards, as far as every value but the last stays inside.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field

import numpy as np
from tvm import relax

from edgewright.backends.tvm.worker.graph import Graph, Node, constant, dtype, key, scalar, shape
from edgewright.backends.tvm.worker.kernels.dense import Dense
from edgewright.backends.tvm.worker.kernels.elementwise import ARITHMETIC, Operand, Result, Source, Step

POWER = "relax.power"
FUSABLE = frozenset(ARITHMETIC) | {POWER}
GROWTH = 24
"""Most nodes looked at past a product; GELU takes five, a bias and a residual one each."""


@dataclass(slots=True)
class DenseMatch:
    """`covered` are positions in the graph, the last of which is the value the kernel stores."""

    source: relax.Expr
    matrix: np.ndarray
    operands: list[relax.Expr]
    program: list[Step]
    covered: list[int]

    def spec(self, graph: Graph) -> Dense:
        """What the kernel is generated from."""
        return Dense(
            input_shape=shape(self.source),
            output_shape=shape(graph.nodes[self.covered[-1]].variable),
            operands=tuple(shape(operand) for operand in self.operands),
            program=tuple(self.program),
        )


@dataclass(slots=True)
class _Region:
    """What has been fused so far: the step that computes each value, in order."""

    extent: tuple[int, ...]
    steps: dict[int, int] = field(default_factory=dict)
    program: list[Step] = field(default_factory=list)
    operands: list[relax.Expr] = field(default_factory=list)
    covered: list[int] = field(default_factory=list)


def find(graph: Graph, position: int, taken: Set[int]) -> DenseMatch | None:
    """Match a product with a constant matrix at `position`, with the longest tail that is free to fuse."""
    node = graph.nodes[position]
    if node.operation != "relax.matmul":
        return None
    source, matrix = node.arguments[0], constant(node.arguments[1])
    extent = shape(node.variable)
    if matrix is None or matrix.ndim != 2 or dtype(node.variable) != "float32" or set(extent[:-2]) - {1}:
        return None
    region = _Region(extent, {key(node.variable): -1}, covered=[position])
    best = DenseMatch(source, matrix, [], [], [position])
    for candidate in range(position + 1, min(position + 1 + GROWTH, len(graph.nodes))):
        if candidate not in taken and _absorb(graph, region, candidate) and _leaves_by_last(graph, region):
            best = DenseMatch(source, matrix, list(region.operands), list(region.program), list(region.covered))
    return best


def _absorb(graph: Graph, region: _Region, position: int) -> bool:
    """Add a node to the region if it is elementwise, reads from the region, and its other operands can be read."""
    node = graph.nodes[position]
    inside = [isinstance(a, relax.Var) and key(a) in region.steps for a in node.arguments]
    if node.operation not in FUSABLE or not any(inside) or shape(node.variable) != region.extent:
        return False
    operands = list(region.operands)
    sources: list[Source] = []
    for argument in node.arguments:
        source = _source(region, operands, argument)
        if source is None:
            return False
        sources.append(source)
    steps = _power(len(region.program), sources) if node.operation == POWER else [Step(node.operation, tuple(sources))]
    if steps is None:
        return False
    region.operands = operands
    region.program += steps
    region.steps[key(node.variable)] = len(region.program) - 1
    region.covered.append(position)
    return True


def _power(begin: int, sources: list[Source]) -> list[Step] | None:
    """A square or a cube as products: the tanh form of GELU has one, and a call of powf would undo the vectors."""
    base, exponent = sources
    if exponent not in (2.0, 3.0):
        return None
    steps = [Step("relax.multiply", (base, base))]
    return steps if exponent == 2.0 else [*steps, Step("relax.multiply", (Result(begin), base))]


def _source(region: _Region, operands: list[relax.Expr], argument: relax.Expr) -> Source | None:
    if isinstance(argument, relax.Var) and key(argument) in region.steps:
        return Result(region.steps[key(argument)])
    number = scalar(argument)
    if number is not None:
        return number
    if dtype(argument) != "float32":
        return None
    extent = shape(argument)
    is_row = extent[-1:] == region.extent[-1:] and set(extent[:-1]) <= {1}
    if not is_row and extent != region.extent:
        return None
    operands.append(argument)
    return Operand(len(operands) - 1, row=is_row)


def _leaves_by_last(graph: Graph, region: _Region) -> bool:
    """Whether only the last value of the region is read outside it."""
    covered = set(region.covered)
    return all(set(graph.users(graph.nodes[position].variable)) <= covered for position in region.covered[:-1])


def label(node: Node) -> str:
    """How a message names a node."""
    return f"{node.operation} {'x'.join(map(str, shape(node.variable)))}"
