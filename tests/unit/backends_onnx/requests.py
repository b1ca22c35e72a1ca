"""Build requests for plugins: a small blueprint and a target, with only what a test cares about."""

from __future__ import annotations

from typing import Any

from edgewright.plugins.protocols import BuildRequest
from edgewright.spec.v1beta1.blueprint import BlueprintSpec
from edgewright.spec.v1beta1.compression import Recipe
from edgewright.spec.v1beta1.target import TargetSpec

NUMBERS = ("cores", "memory", "disk", "memoryBandwidth", "power", "memoryForModel", "isa")


def target(architecture: str = "x86_64", has_int8_dot: bool = False) -> TargetSpec:
    return TargetSpec.model_validate(
        {
            "architecture": architecture,
            "isa": {"cpu": "generic", "vectorFloats": 8, "hasInt8Dot": has_int8_dot},
            "cores": 4,
            "memory": "4GiB",
            "memoryForModel": "2GiB",
            "disk": "16GiB",
            "memoryBandwidth": "8GB/s",
            "power": "10W",
            "os": "linux",
            "libc": {"family": "glibc", "version": "2.36"},
            "python": "3.11",
            "runtimes": ("onnxruntime",),
            "sources": dict.fromkeys(NUMBERS, "made up for a test"),
        }
    )


def build_request(
    recipe: Recipe, *, context: int = 64, sequence_lengths: tuple[int, ...] | None = None, **isa: Any
) -> BuildRequest:
    blueprint = BlueprintSpec.model_validate(
        {
            "model": {
                "task": "embeddings",
                "source": {"type": "directory", "path": "model"},
                "context": context,
            },
            "compression": {"inline": recipe.model_dump(exclude_none=True)},
            "builds": ({"backend": "onnxruntime", "targets": ("t",)},),
            "evaluation": {"dataset": "d.jsonl"},
            "gates": ({"metric": "cosine_mean", "min": 0.9},),
            "fleet": {"ref": "f"},
            "rollout": {"waves": ("100%",)},
        }
    )
    return BuildRequest(
        blueprint=blueprint,
        target_name="t",
        target=target(**isa),
        recipe=recipe,
        sequence_lengths=sequence_lengths,
    )
