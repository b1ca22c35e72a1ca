"""Opening and closing a TIR function that Relax may call."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tvm import tirx
from tvm.script.ir_builder import IRBuilder
from tvm.tirx.script.builder import ir as T

Shape = tuple[int, ...]
Argument = tuple[Shape, str]
"""Shape and dtype."""


def function(name: str, arguments: Sequence[Argument], body: Callable[..., None]) -> tirx.PrimFunc:
    """Build a function of row-major buffers; `body` gets them in order. Relax wants one root block."""
    with IRBuilder() as builder, T.prim_func(s_tir=True):
        T.func_name(name)
        T.func_attr({"tirx.noalias": True, "op_pattern": 8})
        buffers = [T.arg(f"b{i}", T.buffer(shape, dtype)) for i, (shape, dtype) in enumerate(arguments)]
        with T.sblock("root"):
            T.reads()
            T.writes()
            body(*buffers)
    return builder.get()
