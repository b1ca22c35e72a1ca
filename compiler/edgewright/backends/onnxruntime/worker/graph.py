"""From an encoder's graph to an embedding graph: token types folded, pooling and normalisation appended.

Owns the names and shapes of the border: inputs `input_ids` and `attention_mask`, int64 [batch, sequence]; output
`embedding`, float32 [batch, dimension]. Uses only plain operators of opset 18, so that every compiler reads them.

Invariant: a fully masked row gives zeros, never NaN (both divisors are clamped as sentence-transformers clamps them).
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 18
_PREFIX = "edgewright."


def fold_token_types(model: onnx.ModelProto) -> None:
    """Remove the input `token_type_ids`, which is all zeros for single texts.

    Where the input only selects rows of an embedding table, the selected row becomes a constant; otherwise zeros of
    the shape of `input_ids` take its place.
    """
    graph = model.graph
    if all(value.name != "token_type_ids" for value in graph.input):
        return
    readers = [node for node in graph.node if "token_type_ids" in node.input]
    tables = {tensor.name: tensor for tensor in graph.initializer}
    if all(
        node.op_type == "Gather" and node.input[1] == "token_type_ids" and node.input[0] in tables for node in readers
    ):
        for node in readers:
            row = numpy_helper.to_array(tables[node.input[0]])[:1][None]  # [1, 1, hidden]
            graph.initializer.append(numpy_helper.from_array(row.copy(), node.output[0]))
            graph.node.remove(node)
        _drop_unused_initializers(graph)
    else:
        zero = helper.make_tensor("value", TensorProto.INT64, [1], [0])
        graph.node.insert(0, helper.make_node("Shape", ["input_ids"], [_PREFIX + "shape"], name=_PREFIX + "Shape"))
        graph.node.insert(
            1,
            helper.make_node(
                "ConstantOfShape", [_PREFIX + "shape"], ["token_type_ids"], name=_PREFIX + "TokenTypes", value=zero
            ),
        )
    kept = [value for value in graph.input if value.name != "token_type_ids"]
    del graph.input[:]
    graph.input.extend(kept)


def _drop_unused_initializers(graph: onnx.GraphProto) -> None:
    read = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def append_pooling(model: onnx.ModelProto, pooling: str, normalize: bool, dimension: int) -> None:
    """Replace the outputs by `embedding`: mean over visible tokens or the first token, then unit length if asked."""
    graph = model.graph
    hidden = graph.output[0].name
    vector = _mean(graph, hidden) if pooling == "mean" else _first_token(graph, hidden)
    if normalize:
        vector = _unit_length(graph, vector)
    graph.node.append(helper.make_node("Identity", [vector], ["embedding"], name=_PREFIX + "Embedding"))
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", dimension]))
    for value in graph.input:
        shape = value.type.tensor_type.shape
        for axis, name in enumerate(("batch", "sequence")):
            shape.dim[axis].dim_param = name


def _constant(graph: onnx.GraphProto, name: str, value: np.ndarray) -> str:
    graph.initializer.append(numpy_helper.from_array(value, _PREFIX + name))
    return _PREFIX + name


def _node(graph: onnx.GraphProto, kind: str, inputs: list[str], name: str, **attributes: int) -> str:
    graph.node.append(helper.make_node(kind, inputs, [_PREFIX + name], name=_PREFIX + name, **attributes))
    return _PREFIX + name


def _mean(graph: onnx.GraphProto, hidden: str) -> str:
    axis = _constant(graph, "sequence_axis", np.array([1], np.int64))
    last = _constant(graph, "last_axis", np.array([-1], np.int64))
    mask = _node(graph, "Cast", ["attention_mask"], "mask", to=TensorProto.FLOAT)
    column = _node(graph, "Unsqueeze", [mask, last], "mask_column")
    visible = _node(graph, "Mul", [hidden, column], "visible")
    total = _node(graph, "ReduceSum", [visible, axis], "total", keepdims=0)
    count = _node(graph, "ReduceSum", [column, axis], "count", keepdims=0)
    smallest = _constant(graph, "smallest_count", np.array(1e-9, np.float32))
    return _node(graph, "Div", [total, _node(graph, "Max", [count, smallest], "clamped_count")], "mean")


def _first_token(graph: onnx.GraphProto, hidden: str) -> str:
    return _node(graph, "Gather", [hidden, _constant(graph, "first", np.array(0, np.int64))], "first_token", axis=1)


def _unit_length(graph: onnx.GraphProto, vector: str) -> str:
    axis = _constant(graph, "dimension_axis", np.array([1], np.int64))
    square = _node(graph, "Mul", [vector, vector], "square")
    length = _node(graph, "Sqrt", [_node(graph, "ReduceSum", [square, axis], "square_sum", keepdims=1)], "length")
    smallest = _constant(graph, "smallest_length", np.array(1e-12, np.float32))
    return _node(graph, "Div", [vector, _node(graph, "Max", [length, smallest], "clamped_length")], "unit")
