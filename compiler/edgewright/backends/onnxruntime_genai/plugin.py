"""The ONNX Runtime GenAI backend: decoders on x86-64 and aarch64.

Owns what the backend promises, refuses and needs on the device. Knows no framework.
"""

from __future__ import annotations

from edgewright.compress.recipes import methods, recipe_bits, refuse_recipe, worker_recipe
from edgewright.plugins.protocols import BuildRequest, Refusal, RuntimeNeeds, WheelRequirement, WorkerStep
from edgewright.spec.v1beta1.compression import Recipe

NAME = "onnxruntime-genai"
BUILD_VERSION = 1
PACKAGES = (
    "edgewright.backends.onnxruntime.layout",
    "edgewright.backends.onnxruntime_genai.worker",
    "edgewright.compress.worker",
)
WHEELS = (
    WheelRequirement("onnxruntime-genai", "0.18.0"),
    WheelRequirement("onnxruntime", "1.32.0"),
    WheelRequirement("numpy", "2.4.6"),
    WheelRequirement("tokenizers", "0.23.3"),
    WheelRequirement("jinja2", "3.1.6"),
    WheelRequirement("markupsafe", "3.0.4"),
)
RUNTIME_MEMORY_BYTES = 170 * 2**20
"""Resident memory of a Python process with the runtime and the tokenizer loaded, no model."""


class GenAIBackend:
    """Builds ONNX Runtime GenAI artifacts."""

    tasks = frozenset({"text-generation"})
    methods = methods(NAME)
    architectures = frozenset({"x86_64", "aarch64"})

    def refuse(self, request: BuildRequest) -> Refusal | None:
        """Architectures without wheels, sequence lengths, and recipes the builder does not know."""
        if request.sequence_lengths is not None:
            return Refusal(
                "sequence-lengths-unused",
                "onnxruntime-genai takes every prompt up to the context, sequenceLengths would have no effect",
                hint="delete sequenceLengths",
            )
        if request.target.architecture not in self.architectures:
            return Refusal(
                "runtime-unavailable",
                f"onnxruntime-genai has no wheel for {request.target.architecture} on any package index, "
                f"it has for {', '.join(sorted(self.architectures))}",
            )
        return refuse_recipe(NAME, request.recipe)

    def steps(self, request: BuildRequest) -> tuple[tuple[str, WorkerStep], ...]:
        """One step: the builder quantises and writes the graph at once."""
        step = WorkerStep(
            module="edgewright.backends.onnxruntime_genai.worker",
            packages=PACKAGES,
            environment="genai",
            step="build",
            options={
                "recipe": worker_recipe(NAME, request.recipe),
                "architecture": request.target.architecture,
                "context": request.blueprint.model.context,
            },
            inputs={"canonical": "canonical"},
            version=BUILD_VERSION,
            determinism="deterministic on this CPU",
        )
        return (("artifact", step),)

    def runtime(self, request: BuildRequest) -> RuntimeNeeds:
        """GenAI, the runtime below it, and what renders chats."""
        return RuntimeNeeds(
            wheels=WHEELS,
            memory_bytes=RUNTIME_MEMORY_BYTES,
            disk_bytes=220 * 2**20,
        )

    def bits_per_weight(self, recipe: Recipe) -> float:
        """Average bits of a weight, scales included."""
        return recipe_bits(NAME, recipe)
