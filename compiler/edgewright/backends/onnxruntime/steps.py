"""The worker steps of the ONNX backend, one function each.

Owns the export step as a value of its own: every backend that starts from the float32 graph takes it from here, so one
export serves all of them. Knows no framework.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgewright.plugins.protocols import WorkerStep

EXPORT_VERSION = 1
BUILD_VERSION = 1
MODULE = "edgewright.backends.onnxruntime.worker"
PACKAGES = (
    "edgewright.backends.onnxruntime.layout",
    "edgewright.backends.onnxruntime.worker",
    "edgewright.compress.calibration",
    "edgewright.compress.worker",
)
"""Exactly what the worker imports: the plugin side may change without a rebuild."""


def export_step() -> WorkerStep:
    """Canonical encoder to `model/model.onnx`, float32; its output is known to later steps as `onnx`."""
    return WorkerStep(
        module=MODULE,
        packages=PACKAGES,
        environment="onnx",
        step="export-onnx",
        options={},
        inputs={"model": "canonical"},
        version=EXPORT_VERSION,
    )


def build_step(recipe: Mapping[str, Any], architecture: str, context: int, reduce_range: bool) -> WorkerStep:
    """Float32 graph to artifact. Reads `calibration` only where the recipe measures activations."""
    inputs = {"onnx": "onnx", "canonical": "canonical"}
    if recipe["method"] == "int8-static":
        inputs["calibration"] = "calibration"
    return WorkerStep(
        module=MODULE,
        packages=PACKAGES,
        environment="onnx",
        step="build",
        options={
            "recipe": dict(recipe),
            "architecture": architecture,
            "context": context,
            "reduce_range": reduce_range,
        },
        inputs=inputs,
        version=BUILD_VERSION,
        determinism="deterministic on this CPU",
    )
