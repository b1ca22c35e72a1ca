"""The 8-bit embedding of a built decoder, shared with its output matrix on disk where the model ties them.

The builder leaves the embedding of an 8-bit model in float32: 113 of SmolLM2-135M's 267 MB. Here the lookup becomes
8-bit. Where embedding and output matrix are one, the lookup reads the output matrix's own codes: two tensors of
different shape over the same bytes of the data file, so neither file nor page cache holds them twice.

Owns the data file. Invariants: bytes that two tensors share are written once; the file is written in the order of the
graph, aligned, without gaps of unknown content.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np
import onnx
from onnx import TensorProto

from edgewright.compress.worker.embedding_table import (
    large_lookups,
    quantize_table,
    require_domain,
    use_quantized_table,
)
from edgewright.plugins.worker import WorkerError

DATA = "model.onnx.data"
ALIGNMENT = 64
OWN_BLOCK = 32


def quantize_embedding(folder: Path, tied: bool) -> str:
    """Rewrite `folder`'s model.onnx and data file. Returns `shared` or `own`, by where the codes come from."""
    path = folder / "model.onnx"
    model = onnx.load(str(path), load_external_data=False)
    graph = model.graph
    found = list(large_lookups(graph))
    if len(found) != 1:
        raise WorkerError("embedding-not-found", f"the built graph has {len(found)} large lookup tables, 1 is needed")
    node, table = found[0]
    fresh: dict[str, np.ndarray] = {}
    shared = _codes_of_output(graph, table) if tied else None
    if shared is not None:
        use_quantized_table(graph, node, shared[0], shared[1])
    else:
        codes, scales = quantize_table(_read(folder, table), OWN_BLOCK)
        names = [f"{table.name}_Q8", f"{table.name}_Q8_scales"]
        for name, values, kind in ((names[0], codes, TensorProto.UINT8), (names[1], scales, TensorProto.FLOAT)):
            fresh[name] = values
            graph.initializer.append(TensorProto(name=name, data_type=kind, dims=values.shape))
        use_quantized_table(graph, node, names, OWN_BLOCK)
    graph.initializer.remove(table)
    require_domain(model)
    _write_data(folder, graph, fresh)
    path.write_bytes(model.SerializeToString(deterministic=True))
    return "own" if fresh else "shared"


def _codes_of_output(graph: onnx.GraphProto, table: TensorProto) -> tuple[list[str], int] | None:
    """Names of codes, scales and zero points of the 8-bit output matrix, shaped for a lookup, and their block size.

    None where the output matrix is not 8-bit, or is padded, or is not stored outside the graph.
    """
    heads = [node for node in graph.node if "logits" in node.output and node.op_type == "MatMulNBits"]
    if len(heads) != 1:
        return None
    values = {attribute.name: attribute.i for attribute in heads[0].attribute}
    block = values["block_size"]
    rows, columns = table.dims
    if values["bits"] != 8 or (values["N"], values["K"]) != (rows, columns) or columns % block:
        return None
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    shapes = ((rows, columns), (rows, columns // block), (rows, columns // block))
    names = []
    for name, shape in zip([name for name in heads[0].input[1:4] if name], shapes, strict=False):
        original = tensors[name]
        if not original.external_data:
            return None
        if tuple(original.dims) == shape:
            names.append(name)
            continue
        alias = TensorProto()
        alias.CopyFrom(original)
        alias.name = f"{table.name}.{name}"
        del alias.dims[:]
        alias.dims.extend(shape)
        graph.initializer.append(alias)
        names.append(alias.name)
    return names, block


def _place(tensor: TensorProto) -> tuple[int, int]:
    """Offset and length of a tensor in the data file."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    if entries.get("location") != DATA:
        raise WorkerError("artifact-unsound", f"tensor {tensor.name!r:.120} lies in {entries.get('location')!r:.120}")
    return int(entries.get("offset", "0")), int(entries["length"])


def _read(folder: Path, tensor: TensorProto) -> np.ndarray:
    offset, length = _place(tensor)
    flat = np.fromfile(folder / DATA, dtype=np.float32, count=length // 4, offset=offset)
    return flat.reshape(tuple(tensor.dims))


def _write_data(folder: Path, graph: onnx.GraphProto, fresh: dict[str, np.ndarray]) -> None:
    """Write the data file again with what the graph still reads; equal places before are equal places after."""
    placed: dict[tuple[int, int], int] = {}
    partial = folder / f"{DATA}.partial"
    with (folder / DATA).open("rb") as old, partial.open("wb") as new:
        for tensor in graph.initializer:
            if tensor.name in fresh:
                data = fresh[tensor.name].tobytes()
                offset = _append(new, data)
            elif tensor.external_data:
                place = _place(tensor)
                if place not in placed:
                    old.seek(place[0])
                    placed[place] = _append(new, old.read(place[1]))
                offset, data = placed[place], b""
            else:
                continue
            length = len(data) or _place(tensor)[1]
            tensor.data_location = TensorProto.EXTERNAL
            del tensor.external_data[:]
            for key, value in (("location", DATA), ("offset", str(offset)), ("length", str(length))):
                tensor.external_data.add(key=key, value=value)
    partial.replace(folder / DATA)


def _append(stream: BinaryIO, data: bytes) -> int:
    stream.write(b"\0" * (-stream.tell() % ALIGNMENT))
    offset = stream.tell()
    stream.write(data)
    return offset
