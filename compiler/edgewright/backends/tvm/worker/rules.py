"""Schedule rules for what stays outside the generated kernels: lookups, mask arithmetic, pooling.

Default lowering never ships. A function that no rule makes fast may stay scalar only while it is too small to matter;
otherwise the build is refused, with the function's name and size.
"""

from __future__ import annotations

import math

from tvm import s_tir, tirx

from edgewright.backends.tvm.worker.kernels.machine import Machine
from edgewright.plugins.worker import WorkerError

SCALAR_LIMIT = 4096
"""Loop iterations that may run one by one: about two microseconds."""


def schedule(name: str, function: tirx.PrimFunc, machine: Machine) -> tirx.PrimFunc:
    """Inline elementwise producers, then vectorise every remaining block."""
    plan = s_tir.Schedule(function)
    root = plan.get_sblock("root")
    for block in plan.get_child_blocks(root):
        if not _is_reduction(plan, block) and plan.get_consumers(block):
            plan.compute_inline(block)
    for block in plan.get_child_blocks(root):
        _vectorise(name, plan, block, machine)
    return plan.mod["main"]


def _is_reduction(plan: s_tir.Schedule, block: s_tir.schedule.SBlockRV) -> bool:
    return any(int(axis.iter_type) == tirx.IterVar.CommReduce for axis in plan.get(block).iter_vars)


def _extent(plan: s_tir.Schedule, loop: s_tir.schedule.LoopRV) -> int:
    return int(plan.get(loop).extent)


def _width(extent: int, machine: Machine) -> int:
    """The widest power of two that divides an extent, at most a vector."""
    return math.gcd(extent, machine.lanes)


def _vectorise(name: str, plan: s_tir.Schedule, block: s_tir.schedule.SBlockRV, machine: Machine) -> None:
    loops = plan.get_loops(block)
    iterations = math.prod(_extent(plan, loop) for loop in loops)
    axes = [int(axis.iter_type) for axis in plan.get(block).iter_vars]
    reduced = [loop for loop, axis in zip(loops, axes, strict=False) if axis == tirx.IterVar.CommReduce]
    spatial = [loop for loop, axis in zip(loops, axes, strict=False) if axis != tirx.IterVar.CommReduce]
    width = _width(_extent(plan, spatial[-1]), machine) if spatial else 1
    if width == 1 or len(axes) != len(loops):
        if iterations > SCALAR_LIMIT:
            raise WorkerError(
                "uncovered-kernel",
                f"{name} runs {iterations} iterations one by one, at most {SCALAR_LIMIT} are allowed without a rule",
                hint="this encoder computes something that the schedule rules do not cover; use backend onnxruntime",
            )
        return
    outer, lanes = plan.split(spatial[-1], [None, width])
    plan.reorder(*spatial[:-1], outer, *reduced, lanes)
    plan.vectorize(lanes)
    if reduced:
        start = plan.decompose_reduction(block, reduced[0])
        plan.vectorize(plan.get_loops(start)[-1])
