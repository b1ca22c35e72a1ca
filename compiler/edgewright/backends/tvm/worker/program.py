"""A planned Relax function as plain data: tensors at fixed places, kernels called in order.

Owns reading the planner's output. Knows nothing of C. Invariant: every tensor lies in an input, the output, the weights
or the workspace; anything else the planner may produce is refused as our bug.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import tvm
from tvm import relax

from edgewright.backends.tvm.worker import import_onnx
from edgewright.backends.tvm.worker.graph import constant, dtype, key, shape
from edgewright.backends.tvm.worker.weights import Weights, aligned
from edgewright.plugins.worker import WorkerError

Space = Literal["input", "output", "weights", "workspace"]


@dataclass(frozen=True, slots=True)
class Tensor:
    """`offset` is in bytes, or the index of an input."""

    space: Space
    offset: int
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, slots=True)
class KernelCall:
    """A kernel and its arguments, the results last."""

    function: str
    tensors: tuple[Tensor, ...]


@dataclass(slots=True)
class Program:
    """The whole computation of one library."""

    calls: list[KernelCall] = field(default_factory=list)
    workspace_bytes: int = 0


@dataclass(slots=True)
class _Reader:
    weights: Weights
    program: Program = field(default_factory=Program)
    tensors: dict[int, Tensor] = field(default_factory=dict)
    tuples: dict[int, list[relax.Expr]] = field(default_factory=dict)
    storages: dict[int, int] = field(default_factory=dict)

    def bind(self, variable: relax.Var, value: relax.Expr) -> None:
        if isinstance(value, relax.Var):
            self.tensors[key(variable)] = self.tensors[key(value)]
        elif isinstance(value, relax.Tuple):
            self.tuples[key(variable)] = list(value.fields)
        elif isinstance(value, relax.TupleGetItem):
            item = self.tuples[key(value.tuple_value)][value.index]
            self.tensors[key(variable)] = self.tensors[key(item)]
        elif isinstance(value.op, tvm.ir.GlobalVar):
            self.program.calls.append(KernelCall(value.op.name_hint, tuple(map(self.tensor, value.args))))
        else:
            self.operator(variable, value)

    def operator(self, variable: relax.Var, call: relax.Call) -> None:
        name = call.op.name
        if name == "relax.memory.alloc_storage":
            self.storages[key(variable)] = self.program.workspace_bytes
            self.program.workspace_bytes = aligned(self.program.workspace_bytes + int(call.args[0].values[0]))
        elif name == "relax.memory.alloc_tensor":
            offset = self.storages[key(call.args[0])] + int(call.args[1].value)
            self.tensors[key(variable)] = Tensor("workspace", offset, shape(variable), dtype(variable))
        elif name == "relax.builtin.alloc_tensor":
            self.tensors[key(variable)] = Tensor("output", 0, shape(variable), dtype(variable))
        elif name == "relax.reshape":
            source = self.tensors[key(call.args[0])]
            self.tensors[key(variable)] = Tensor(source.space, source.offset, shape(variable), source.dtype)
        elif name not in ("relax.memory.kill_tensor", "relax.memory.kill_storage"):
            raise WorkerError(
                "uncovered-kernel",
                f"{name} has no kernel and no rule",
                hint="this encoder computes something that the kernels do not cover; use backend onnxruntime",
            )

    def tensor(self, expression: relax.Expr) -> Tensor:
        array = constant(expression)
        if array is None:
            return self.tensors[key(expression)]
        return Tensor("weights", self.weights.place(array), tuple(array.shape), str(array.dtype))


def read(module: tvm.IRModule, weights: Weights) -> Program:
    """Read a planned `main`; its constants get a place in the weights."""
    function = module["main"]
    reader = _Reader(weights)
    for parameter, position in zip(function.params, import_onnx.ordered_inputs(function.params), strict=True):
        reader.tensors[key(parameter)] = Tensor("input", position, shape(parameter), dtype(parameter))
    for block in function.body.blocks:
        for binding in block.bindings:
            reader.bind(binding.var, binding.value)
    result = reader.tensor(function.body.body)
    outputs = {tensor for call in reader.program.calls for tensor in call.tensors if tensor.space == "output"}
    if outputs != {result}:
        raise WorkerError("uncovered-kernel", f"one output is planned for, {len(outputs)} were found")
    return reader.program
