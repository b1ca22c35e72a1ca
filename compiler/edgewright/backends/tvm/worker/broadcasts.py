"""Move broadcasts behind the elementwise work on them: an attention mask is computed once, not once for each query.

A pure rewriting of a graph. Exported encoders expand the mask to [1, 1, rows, rows] first and then compute on it.
"""

from __future__ import annotations

import tvm
from tvm import relax

from edgewright.backends.tvm.worker.graph import Graph, Node, dtype, elements, key, shape

ELEMENTWISE = frozenset(
    f"relax.{name}"
    for name in (
        "add", "subtract", "multiply", "divide", "where", "astype", "less", "greater", "equal", "not_equal",
        "less_equal", "greater_equal", "logical_not", "logical_and", "logical_or", "negative", "maximum", "minimum",
    )
)  # fmt: skip


def sink(graph: Graph) -> None:
    """Rewrite in place; a broadcast nobody reads any more is left for dead-code elimination."""
    narrow: dict[int, relax.Expr] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        if node.operation == "relax.broadcast_to":
            source = node.arguments[0]
            narrow[key(node.variable)] = narrow.get(key(source), source)
        elif node.operation in ELEMENTWISE and (small := _on_narrow(node, narrow)) is not None:
            variable = relax.DataflowVar(node.variable.name + "_narrow", small[1])
            nodes.append(Node(variable, small[0]))
            narrow[key(node.variable)] = variable
            wide = relax.op.broadcast_to(variable, relax.ShapeExpr(list(shape(node.variable))))
            nodes.append(Node(node.variable, wide))
            continue
        nodes.append(node)
    graph.nodes = nodes
    graph.index()


def _on_narrow(node: Node, narrow: dict[int, relax.Expr]) -> tuple[relax.Call, tvm.ir.Type] | None:
    """The same operation on the sources of its broadcasts, if all its operands allow it, and its type."""
    sources: list[relax.Expr] = []
    arguments: list[relax.Expr] = []
    for argument in node.arguments:
        if isinstance(argument, relax.Var) and key(argument) in narrow:
            sources.append(narrow[key(argument)])
            arguments.append(sources[-1])
        elif isinstance(argument, tvm.ir.GenericConst) and elements(argument) == 1:
            arguments.append(argument)
        else:
            return None
    shapes = {shape(source) for source in sources}
    if len(shapes) != 1:
        return None
    call = relax.Call(node.value.op, arguments, node.value.attrs)
    return call, relax.TensorType(list(shapes.pop()), dtype(node.variable))
