"""The TVM backend as the compiler sees it: what it builds, what it refuses, which steps it needs.

Knows no framework. Invariant: what can be refused from the blueprint and the target alone is refused here, before any
environment exists; the worker refuses the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgewright.backends.onnxruntime.steps import export_step
from edgewright.plugins.protocols import BuildRequest, Refusal, RuntimeNeeds, WheelRequirement, WorkerStep
from edgewright.plugins.toolchains import compiler_for, emulator_for
from edgewright.spec.v1beta1.compression import Recipe

BUILD_VERSION = 1
DEFAULT_LENGTHS = (32, 128, 512)
TOKENIZERS_VERSION = "0.22.2"
TOKENIZERS_VERSION_RISCV64 = "0.23.3"
"""The first version with a wheel for riscv64; elsewhere the version that the export used."""
RUNTIME_MEMORY_BYTES = 48 * 2**20
"""Resident memory of a Python process with ctypes and tokenizers loaded, no model (measured: 34 MiB) and serving."""


class TvmBackend:
    """Builds float32 encoders into native libraries, one for each sequence length."""

    tasks = frozenset({"embeddings"})
    methods = frozenset({"float32"})
    architectures = frozenset({"x86_64", "aarch64", "riscv64"})

    def refuse(self, request: BuildRequest) -> Refusal | None:
        """32-bit ARM, other recipes than plain float32, lengths outside the context."""
        architecture = request.target.architecture
        if architecture == "armv7":
            return Refusal(
                "unsupported-architecture",
                "tvm compiles for 32-bit ARM and the library runs, but its numbers are wrong (cosine 0.26)",
                hint="use a 64-bit system on this device",
            )
        if architecture not in self.architectures:
            return Refusal(
                "unsupported-architecture",
                f"tvm builds for {', '.join(sorted(self.architectures))}, not for {architecture}",
            )
        return _refuse_recipe(request.recipe) or _refuse_lengths(request)

    def steps(self, request: BuildRequest) -> tuple[tuple[str, WorkerStep], ...]:
        """The export that all encoders share, then the build."""
        isa = request.target.isa
        target = {
            "architecture": request.target.architecture,
            "llvm": {"mcpu": isa.cpu, "mattr": list(isa.features)},
        }
        recipe = {"name": request.recipe.name, "method": request.recipe.method}
        build = build_step(target, sequence_lengths(request), recipe)
        return (("onnx", export_step()), ("artifact", build))

    def runtime(self, request: BuildRequest) -> RuntimeNeeds:
        """Nothing but the tokenizer: the libraries need libc alone."""
        return RuntimeNeeds(
            wheels=(WheelRequirement("tokenizers", tokenizers_version(request.target.architecture)),),
            memory_bytes=RUNTIME_MEMORY_BYTES,
            disk_bytes=12 * 2**20,
            notes=("the libraries need the C library alone, no runtime of the framework",),
        )

    def bits_per_weight(self, recipe: Recipe) -> float:
        """float32."""
        return 32.0


def tokenizers_version(architecture: str) -> str:
    """The tokenizers wheel that exists for an architecture."""
    return TOKENIZERS_VERSION_RISCV64 if architecture == "riscv64" else TOKENIZERS_VERSION


def build_step(target: Mapping[str, Any], lengths: Sequence[int], recipe: Mapping[str, Any]) -> WorkerStep:
    """Float32 graph to artifact. `target` is {architecture, llvm: {mcpu, mattr}}."""
    architecture = str(target["architecture"])
    return WorkerStep(
        module="edgewright.backends.tvm.worker",
        packages=("edgewright.backends.tvm.worker", "edgewright.backends.onnxruntime.layout"),
        environment="tvm",
        step="build",
        options={"target": dict(target), "sequence_lengths": list(lengths), "recipe": dict(recipe)},
        inputs={"onnx": "onnx", "canonical": "canonical"},
        version=BUILD_VERSION,
        determinism="deterministic on this CPU",
        tools=("readelf", *compiler_for(architecture), *emulator_for(architecture)),
    )


def sequence_lengths(request: BuildRequest) -> tuple[int, ...]:
    """The lengths to build: the blueprint's own, or the usual ones that the context allows."""
    context = request.blueprint.model.context
    if request.sequence_lengths is not None:
        return tuple(sorted(set(request.sequence_lengths)))
    return (*(length for length in DEFAULT_LENGTHS[:-1] if length < context), min(context, DEFAULT_LENGTHS[-1]))


def _refuse_recipe(recipe: Recipe) -> Refusal | None:
    if recipe.method != "float32":
        return Refusal("recipe-method", f"recipe {recipe.name}: tvm builds float32, not {recipe.method}")
    options = ("algorithm", "group_size", "symmetric", "mixed_int8", "embedding_bits")
    unused = [name for name in options if getattr(recipe, name) is not None]
    if unused:
        return Refusal("recipe-option", f"recipe {recipe.name}: float32 does not use {', '.join(unused)}")
    return None


def _refuse_lengths(request: BuildRequest) -> Refusal | None:
    lengths, context = request.sequence_lengths, request.blueprint.model.context
    if lengths is None:
        return None
    if not lengths or min(lengths) < 1:
        return Refusal("sequence-lengths", "sequenceLengths needs at least one length of 1 or more")
    if max(lengths) > context:
        return Refusal(
            "sequence-lengths",
            f"sequence length {max(lengths)} is above the context of {context} tokens",
            hint=f"raise spec.model.context to {max(lengths)}, or drop the length",
        )
    return None
