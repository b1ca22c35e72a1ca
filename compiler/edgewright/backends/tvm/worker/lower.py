"""From a simplified graph to functions that can be compiled: generated kernels for the heavy work, rules for the rest.

Invariant: no product, softmax or normalisation reaches the framework's default lowering; one that no kernel covers
ends the build.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import tvm
from tvm import relax, tirx

from edgewright.backends.tvm.worker import broadcasts, match_attention, match_dense, rules
from edgewright.backends.tvm.worker.graph import Graph, Node, dtype, shape
from edgewright.backends.tvm.worker.kernels import attention, dense, layer_norm
from edgewright.backends.tvm.worker.kernels.machine import Machine
from edgewright.plugins.worker import WorkerError

HEAVY = frozenset(("relax.matmul", "relax.nn.softmax", "relax.nn.layer_norm", "relax.linear", "relax.einsum"))


@dataclass(slots=True)
class _Kernels:
    """The generated functions of one library; equal specifications share one."""

    machine: Machine
    builder: relax.BlockBuilder = field(default_factory=relax.BlockBuilder)
    variables: dict[object, tvm.ir.GlobalVar] = field(default_factory=dict)

    def of(self, kind: str, spec: object, generate: Callable[[str], tirx.PrimFunc]) -> tvm.ir.GlobalVar:
        if (kind, spec) not in self.variables:
            name = f"edge_{kind}_{len(self.variables)}"
            self.variables[kind, spec] = self.builder.add_func(generate(name), name)
        return self.variables[kind, spec]

    def names(self) -> frozenset[str]:
        return frozenset(variable.name_hint for variable in self.variables.values())


def lower(module: tvm.IRModule, machine: Machine, target: tvm.target.Target) -> tvm.IRModule:
    """Returns a module whose `main` only calls scheduled functions, its memory planned."""
    graph = Graph.of(module)
    broadcasts.sink(graph)
    kernels = _Kernels(machine)
    nodes = _replace(graph, kernels)
    lowered = kernels.builder.get()
    lowered["main"] = graph.function_of(nodes)
    lowered = relax.transform.DeadCodeElimination()(relax.transform.Normalize()(lowered))
    _refuse_heavy(Graph.of(lowered))
    fused = _fuse(lowered, target)
    return _plan(_schedule(fused, kernels), target)


def _replace(graph: Graph, kernels: _Kernels) -> list[Node]:
    """The nodes of the graph with every covered group replaced by one kernel call."""
    taken: set[int] = set()
    calls: dict[int, list[Node]] = {}
    for position, node in enumerate(graph.nodes):
        if position in taken:
            continue
        if (product := match_dense.find(graph, position, taken)) is not None:
            covered, made = product.covered, _dense_call(graph, product, kernels)
        elif (heads := match_attention.find(graph, position)) is not None:
            covered, made = heads.covered, _attention_call(graph, heads, kernels)
        elif node.operation == "relax.nn.layer_norm" and (norm := _layer_norm_call(node, kernels)) is not None:
            covered, made = [position], norm
        else:
            continue
        taken.update(covered)
        calls[covered[-1]] = made
    nodes: list[Node] = []
    for position, node in enumerate(graph.nodes):
        if position in calls:
            nodes += calls[position]
        elif position not in taken:
            nodes.append(node)
    return nodes


def _dense_call(graph: Graph, match: match_dense.DenseMatch, kernels: _Kernels) -> list[Node]:
    spec = match.spec(graph)
    function = kernels.of("dense", spec, lambda name: dense.kernel(name, spec, kernels.machine))
    packed = relax.const(dense.pack(match.matrix, kernels.machine), "float32")
    target = graph.nodes[match.covered[-1]].variable
    return [Node(target, relax.call_tir(function, [match.source, packed, *match.operands], out_ty=target.ty))]


def _attention_call(graph: Graph, match: match_attention.AttentionMatch, kernels: _Kernels) -> list[Node]:
    function = kernels.of("attention", match.spec, lambda name: attention.kernel(name, match.spec, kernels.machine))
    target = graph.nodes[match.covered[-1]].variable
    scratch = [relax.TensorType([floats], "float32") for floats in match.spec.scratch(kernels.machine)]
    sources = [match.query, match.key, match.value, *match.biases]
    call = relax.call_tir(function, sources, out_ty=[target.ty, *scratch])
    both = relax.DataflowVar(target.name + "_and_scratch", relax.TupleType([target.ty, *scratch]))
    return [Node(both, call), Node(target, relax.TupleGetItem(both, 0))]


def _layer_norm_call(node: Node, kernels: _Kernels) -> list[Node] | None:
    source, scale, shift = node.arguments
    extent, attributes = shape(source), node.value.attrs
    last = len(extent) - 1
    axes = [int(axis) % len(extent) for axis in attributes.axes]
    if axes != [last] or set(extent[:-2]) - {1} or dtype(source) != "float32" or len(extent) < 2:
        return None
    if not (attributes.center and attributes.scale):
        return None
    epsilon = float(attributes.epsilon)
    function = kernels.of(
        "layer_norm", (extent, epsilon), lambda name: layer_norm.kernel(name, extent, epsilon, kernels.machine)
    )
    return [Node(node.variable, relax.call_tir(function, [source, scale, shift], out_ty=node.variable.ty))]


def _refuse_heavy(graph: Graph) -> None:
    left = [match_dense.label(node) for node in graph.nodes if node.operation in HEAVY]
    if left:
        raise WorkerError(
            "uncovered-kernel",
            f"{len(left)} heavy operations have no kernel: {', '.join(left[:4])}",
            hint="this encoder computes something that the kernels do not cover; use backend onnxruntime",
        )


def _fuse(module: tvm.IRModule, target: tvm.target.Target) -> tvm.IRModule:
    """The framework's own lowering of what is left, to functions still unscheduled."""
    passes = [
        relax.transform.LegalizeOps(),
        relax.transform.AnnotateTIROpPattern(),
        relax.transform.FoldConstant(),
        relax.transform.FuseOps(),
        relax.transform.FuseTIR(),
        relax.transform.DeadCodeElimination(),
    ]
    with target:
        return tvm.transform.Sequential(passes)(module)


def _schedule(module: tvm.IRModule, kernels: _Kernels) -> tvm.IRModule:
    generated = kernels.names()
    functions: dict[tvm.ir.GlobalVar, object] = {}
    for variable, function in module.functions.items():
        name = variable.name_hint
        if isinstance(function, tirx.PrimFunc) and name not in generated:
            functions[variable] = rules.schedule(name, function.without_attr("global_symbol"), kernels.machine)
        else:
            functions[variable] = function
    return tvm.IRModule(functions, attrs=module.attrs)


def _plan(module: tvm.IRModule, target: tvm.target.Target) -> tvm.IRModule:
    """Allocate every intermediate at a fixed place of one workspace."""
    passes = [
        relax.transform.RewriteDataflowReshape(),
        relax.transform.ToNonDataflow(),
        relax.transform.RemovePurityChecking(),
        relax.transform.CallTIRRewrite(),
        relax.transform.StaticPlanBlockMemory(),
    ]
    with target:
        return tvm.transform.Sequential(passes)(module)
