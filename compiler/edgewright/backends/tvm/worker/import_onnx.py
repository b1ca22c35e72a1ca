"""From an ONNX encoder with a free sequence axis to a Relax function of one fixed length, folded and simplified.

Owns what the imported graph must look like: one function, one dataflow block, static shapes, inputs `input_ids` and
`attention_mask` of int64[1, length], one float32 output. Constant work (weight transposes, position slices, shape
arithmetic) is done here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import onnx
import tvm
from tvm import relax
from tvm.relax.frontend.onnx import from_onnx

from edgewright.plugins.worker import WorkerError

INPUTS = ("input_ids", "attention_mask")


def read(folder: Path) -> onnx.ModelProto:
    """Read model/model.onnx and check its signature."""
    model = onnx.load(str(folder / "model" / "model.onnx"))
    names = tuple(tensor.name for tensor in model.graph.input)
    if sorted(names) != sorted(INPUTS) or len(model.graph.output) != 1:
        outputs = ", ".join(tensor.name for tensor in model.graph.output)
        raise WorkerError(
            "model-signature",
            f"model.onnx takes {', '.join(names)} and gives {outputs}, not input_ids, attention_mask -> embedding",
            hint="export the encoder with pooling inside",
        )
    return model


def at_length(model: onnx.ModelProto, length: int) -> tvm.IRModule:
    """Fix the sequence length and fold everything that does not depend on the input."""
    shapes = {name: [1, length] for name in INPUTS}
    try:
        module = from_onnx(model, shape_dict=shapes, keep_params_in_input=False)
    except (ValueError, TypeError, NotImplementedError, RuntimeError) as foreign:  # what the frontend is seen to raise
        raise WorkerError(
            "model-unsupported",
            f"the graph cannot be read at length {length}: {str(foreign).splitlines()[0][:200]}",
            hint="this encoder uses an operator that the importer does not read; use backend onnxruntime",
        ) from foreign
    passes = [
        relax.transform.DecomposeOpsForInference(),
        relax.transform.FoldConstant(),
        relax.transform.CanonicalizeBindings(),
        relax.transform.EliminateCommonSubexpr(),
        relax.transform.DeadCodeElimination(),
    ]
    return tvm.transform.Sequential(passes)(module)


def ordered_inputs(parameters: Sequence[relax.Var]) -> list[int]:
    """Where each parameter is found in the C entry's inputs (ids first, then mask)."""
    return [INPUTS.index(parameter.name) for parameter in parameters]
