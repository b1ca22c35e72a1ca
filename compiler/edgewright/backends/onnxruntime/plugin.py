"""The ONNX Runtime backend: encoders on x86-64 and aarch64.

Owns what the backend promises, refuses and needs on the device. Knows no framework.
"""

from __future__ import annotations

from edgewright.backends.onnxruntime.steps import build_step, export_step
from edgewright.compress.recipes import methods, recipe_bits, refuse_recipe, worker_recipe
from edgewright.plugins.protocols import BuildRequest, Refusal, RuntimeNeeds, WheelRequirement, WorkerStep
from edgewright.spec.v1beta1.compression import Recipe

NAME = "onnxruntime"
# the tokenizers wheel needs huggingface_hub only to download, which the device never does
WHEELS = (
    WheelRequirement("onnxruntime", "1.32.0"),
    WheelRequirement("numpy", "2.4.6"),
    WheelRequirement("tokenizers", "0.22.2"),
)
RUNTIME_MEMORY_BYTES = 130 * 2**20
"""Resident memory of a Python process with onnxruntime, numpy and tokenizers loaded, no model: see the tests."""


class OnnxRuntimeBackend:
    """Builds ONNX artifacts."""

    tasks = frozenset({"embeddings"})
    methods = methods(NAME)
    architectures = frozenset({"x86_64", "aarch64"})

    def refuse(self, request: BuildRequest) -> Refusal | None:
        """Sequence lengths are free here: the graph takes any, so naming some is a misunderstanding."""
        if request.sequence_lengths is not None:
            return Refusal(
                "sequence-lengths-unused",
                "onnxruntime takes every sequence length up to the context, sequenceLengths would have no effect",
                hint="delete sequenceLengths, or use the backend tvm",
            )
        if request.target.architecture not in self.architectures:
            return Refusal(
                "runtime-unavailable",
                f"onnxruntime has no wheel for {request.target.architecture} on any package index, "
                f"it has for {', '.join(sorted(self.architectures))}",
                hint="use the backend tvm, whose artifacts need no runtime",
            )
        return refuse_recipe(NAME, request.recipe)

    def steps(self, request: BuildRequest) -> tuple[tuple[str, WorkerStep], ...]:
        """Export once for all targets, then build."""
        step = build_step(
            worker_recipe(NAME, request.recipe),
            request.target.architecture,
            request.blueprint.model.context,
            reduce_range=needs_reduced_range(request),
        )
        return (("onnx", export_step()), ("artifact", step))

    def runtime(self, request: BuildRequest) -> RuntimeNeeds:
        """onnxruntime with its two companions."""
        return RuntimeNeeds(
            wheels=WHEELS,
            memory_bytes=RUNTIME_MEMORY_BYTES,
            disk_bytes=180 * 2**20,
        )

    def bits_per_weight(self, recipe: Recipe) -> float:
        """Average bits of a weight, scales included."""
        return recipe_bits(NAME, recipe)


def needs_reduced_range(request: BuildRequest) -> bool:
    """7-bit weights on x86-64 without VNNI: its 8-bit products are summed in pairs in saturating 16 bits."""
    return request.target.architecture == "x86_64" and not request.target.isa.has_int8_dot
