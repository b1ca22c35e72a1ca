"""Find attention as exporters write it: scaled products of split heads, additive masks, softmax, values, merged heads.

Scales may sit on the query, on the key, or on the scores, as products or quotients. Anything else is no match, and the
product that stays behind makes the build fail.
"""

from __future__ import annotations

from dataclasses import dataclass

from tvm import relax

from edgewright.backends.tvm.worker.graph import Graph, Node, scalar, shape
from edgewright.backends.tvm.worker.kernels.attention import Attention


@dataclass(frozen=True, slots=True)
class AttentionMatch:
    """`covered` are the positions the kernel replaces, the last of which is the merged output."""

    query: relax.Expr
    key: relax.Expr
    value: relax.Expr
    biases: list[relax.Expr]
    spec: Attention
    covered: list[int]


@dataclass(frozen=True, slots=True)
class _Heads:
    """A [1, rows, heads * width] tensor seen as heads, with its axes permuted and a scale."""

    base: relax.Expr
    heads: int
    width: int
    axes: tuple[int, ...]
    scale: float


def find(graph: Graph, position: int) -> AttentionMatch | None:
    """Match attention whose softmax is at `position`."""
    softmax = graph.nodes[position]
    if softmax.operation != "relax.nn.softmax" or int(softmax.value.attrs.axis) not in (-1, 3):
        return None
    merged = _merged_output(graph, softmax)
    scored = _scores(graph, softmax.arguments[0])
    if merged is None or scored is None:
        return None
    weighted, tail = merged
    product, scale, biases = scored
    query, key = (_heads(graph, argument) for argument in product.arguments)
    value = _heads(graph, weighted.arguments[1])
    if query is None or key is None or value is None:
        return None
    if (query.axes, key.axes, value.axes) != ((0, 2, 1, 3), (0, 2, 3, 1), (0, 2, 1, 3)):
        return None
    rows = shape(query.base)[1]
    if len({shape(h.base) for h in (query, key, value)}) != 1 or len({h.heads for h in (query, key, value)}) != 1:
        return None
    if any(not _is_bias(bias, query.heads, rows) for bias in biases):
        return None
    spec = Attention(
        rows, query.heads, query.width, scale * query.scale * key.scale * value.scale, tuple(map(shape, biases))
    )
    if value.scale != 1.0:
        return None
    return AttentionMatch(query.base, key.base, value.base, biases, spec, [position, *tail])


def _only_user(graph: Graph, node: Node) -> int | None:
    users = graph.users(node.variable)
    return users[0] if len(users) == 1 and users[0] < len(graph.nodes) else None


def _merged_output(graph: Graph, softmax: Node) -> tuple[Node, list[int]] | None:
    """Softmax -> product with values -> [0, 2, 1, 3] -> [1, rows, heads * width]; each read once."""
    tail: list[int] = []
    node = softmax
    for operation in ("relax.matmul", "relax.permute_dims", "relax.reshape"):
        position = _only_user(graph, node)
        if position is None or graph.nodes[position].operation != operation:
            return None
        tail.append(position)
        node = graph.nodes[position]
    weighted, permuted, merged = (graph.nodes[position] for position in tail)
    is_left = weighted.arguments[0].same_as(softmax.variable)
    axes = tuple(int(axis) for axis in permuted.value.attrs.axes)
    extent = shape(merged.variable)
    if not is_left or axes != (0, 2, 1, 3) or len(extent) != 3 or extent[0] != 1:
        return None
    return (weighted, tail) if extent[1] == shape(permuted.variable)[1] else None


def _scores(graph: Graph, expression: relax.Expr) -> tuple[Node, float, list[relax.Expr]] | None:
    """Walk from the softmax's operand back to the product: biases added last, the scale before them."""
    scale, biases = 1.0, list[relax.Expr]()
    while (node := graph.maker(expression)) is not None:
        if node.operation == "relax.matmul":
            return node, scale, biases
        if node.operation == "relax.add" and scale == 1.0:
            left, right = node.arguments
            expression, bias = (left, right) if _leads_to_product(graph, left) else (right, left)
            biases.append(_unbroadcast(graph, bias))
            continue
        factor = _factor(node)
        if factor is None:
            return None
        expression, scale = node.arguments[factor[0]], scale * factor[1]
    return None


def _leads_to_product(graph: Graph, expression: relax.Expr) -> bool:
    node = graph.maker(expression)
    while node is not None and node.operation in ("relax.add", "relax.multiply", "relax.divide"):
        heads = [graph.maker(argument) for argument in node.arguments]
        node = next((head for head in heads if head is not None and _has_heads(head)), None)
    return node is not None and node.operation == "relax.matmul"


def _has_heads(node: Node) -> bool:
    return node.operation == "relax.matmul" or (len(shape(node.variable)) == 4 and shape(node.variable)[1] > 1)


def _unbroadcast(graph: Graph, expression: relax.Expr) -> relax.Expr:
    """The source of a broadcast: the kernel repeats it by itself."""
    node = graph.maker(expression)
    if node is not None and node.operation == "relax.broadcast_to" and len(shape(node.arguments[0])) == 4:
        return node.arguments[0]
    return expression


def _is_bias(bias: relax.Expr, heads: int, rows: int) -> bool:
    extent = shape(bias)
    return (
        len(extent) == 4 and extent[0] == 1 and extent[1] in (1, heads) and extent[2] in (1, rows) and extent[3] == rows
    )


def _factor(node: Node) -> tuple[int, float] | None:
    """(operand, factor) of a product or quotient with a number."""
    if node.operation == "relax.multiply":
        for operand in (0, 1):
            number = scalar(node.arguments[1 - operand])
            if number is not None:
                return operand, number
    if node.operation == "relax.divide" and (number := scalar(node.arguments[1])) is not None:
        return 0, 1.0 / number
    return None


def _heads(graph: Graph, expression: relax.Expr) -> _Heads | None:
    """Walk back through scales and permutations to the reshape that splits the heads."""
    scale = 1.0
    axes: tuple[int, ...] = (0, 1, 2, 3)
    while (node := graph.maker(expression)) is not None:
        if node.operation == "relax.permute_dims":
            order = tuple(int(axis) for axis in node.value.attrs.axes)
            axes = tuple(order[axis] for axis in axes)
            expression = node.arguments[0]
        elif node.operation == "relax.reshape":
            base, split = node.arguments[0], shape(node.variable)
            extent = shape(base)
            if len(split) == 4 and len(extent) == 3 and extent[:2] == split[:2] and extent[0] == 1:
                return _Heads(base, split[2], split[3], axes, scale)
            return None
        elif (factor := _factor(node)) is not None:
            expression, scale = node.arguments[factor[0]], scale * factor[1]
        else:
            return None
    return None
