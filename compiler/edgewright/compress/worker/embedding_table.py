"""Eight-bit embedding tables: a graph pass that both ONNX backends share.

Owns the rewriting of `Gather` over a large float32 table into `GatherBlockQuantized` with 8 bits, which neither
ONNX Runtime's quantiser nor the GenAI builder does (both stop at 4 bits or leave float32).

Invariants: only tables of at least `MIN_ROWS` rows are touched; a table that something else reads too stays as it is;
quantisation is symmetric per block of a row (`scale = max |w| / 127`, zero point 128), so its error is at most half a
scale. Operator: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import helper, numpy_helper

MIN_ROWS = 1024
DOMAIN = "com.microsoft"
ZERO_POINT = 128


def large_lookups(graph: onnx.GraphProto) -> Iterator[tuple[onnx.NodeProto, onnx.TensorProto]]:
    """Each Gather over rows of a large float32 table that only it reads, with its table."""
    tables = {tensor.name: tensor for tensor in graph.initializer}
    for node in list(graph.node):
        table = tables.get(node.input[0]) if node.op_type == "Gather" else None
        if table is None or table.data_type != onnx.TensorProto.FLOAT or len(table.dims) != 2:
            continue
        axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 0)
        readers = sum(table.name in other.input for other in graph.node)
        if axis == 0 and readers == 1 and table.dims[0] >= MIN_ROWS:
            yield node, table


def quantize_table(weights: np.ndarray, block: int) -> tuple[np.ndarray, np.ndarray]:
    """[rows, columns] float32 to uint8 of the same shape and float32 scales [rows, ceil(columns / block)]."""
    rows, columns = weights.shape
    blocks = -(-columns // block)
    padded = np.zeros((rows, blocks * block), np.float32)
    padded[:, :columns] = weights
    grouped = padded.reshape(rows, blocks, block)
    scales = np.abs(grouped).max(axis=2) / np.float32(127)
    divisors = np.where(scales == 0, np.float32(1), scales)[..., None]
    codes = np.rint(grouped / divisors).astype(np.int16) + ZERO_POINT
    return codes.astype(np.uint8).reshape(rows, -1)[:, :columns].copy(), scales.astype(np.float32)


def use_quantized_table(graph: onnx.GraphProto, node: onnx.NodeProto, inputs: list[str], block: int) -> None:
    """Put GatherBlockQuantized in the place of a Gather. `inputs` are the codes, the scales and maybe zero points."""
    replacement = helper.make_node(
        "GatherBlockQuantized",
        [inputs[0], node.input[1], *inputs[1:]],
        list(node.output),
        name=f"{node.name}_Q8",
        domain=DOMAIN,
        bits=8,
        block_size=block,
        gather_axis=0,
        quantize_axis=1,
    )
    position = next(index for index, other in enumerate(graph.node) if other.name == node.name)
    graph.node.remove(node)
    graph.node.insert(position, replacement)


def quantize_embeddings(model: onnx.ModelProto, block: int) -> int:
    """Quantise every large lookup table to 8 bits. Returns how many."""
    graph = model.graph
    found = list(large_lookups(graph))
    for node, table in found:
        codes, scales = quantize_table(numpy_helper.to_array(table), block)
        names = [f"{table.name}_Q8", f"{table.name}_Q8_scales"]
        use_quantized_table(graph, node, names, block)
        graph.initializer.remove(table)
        graph.initializer.append(numpy_helper.from_array(codes, names[0]))
        graph.initializer.append(numpy_helper.from_array(scales, names[1]))
    if found:
        require_domain(model)
    return len(found)


def require_domain(model: onnx.ModelProto) -> None:
    """Declare the contrib operators' domain once."""
    if all(entry.domain != DOMAIN for entry in model.opset_import):
        model.opset_import.append(helper.make_opsetid(DOMAIN, 1))
