"""The built-in importer: which worker step makes the canonical model folder, and what is refused before it runs."""

from __future__ import annotations

from pathlib import Path

from edgewright.plugins.protocols import Refusal, WorkerStep
from edgewright.sources.canonical.inspect import inspect_model
from edgewright.sources.canonical.refused import RefusedError

STEP_VERSION = 1
"""Raised when the same files would give other bytes; part of the step's identity beside its sources."""

PACKAGES = tuple(
    f"edgewright.sources.canonical.{module}"
    for module in ("worker", "config_keys", "gguf_header", "inspect", "refused", "safetensors_header", "strict_json")
)


class CanonicalImporter:
    """Safetensors folders and GGUF files of known architectures."""

    def step(self, task: str, file: str | None, context_tokens: int) -> WorkerStep:
        """The worker step `import`; its input is `source`."""
        return WorkerStep(
            module="edgewright.sources.canonical.worker",
            packages=PACKAGES,
            environment="onnx",
            step="import",
            options={"task": task, "file": file, "context": context_tokens},
            inputs={"source": "source"},
            version=STEP_VERSION,
        )

    def inspect(self, folder: Path, file: str | None) -> Refusal | None:
        """Pickles, code in configurations, truncated files: the worker's own first check, without its environment."""
        try:
            inspect_model(folder, file)
        except RefusedError as refused:
            return Refusal(refused.slug, refused.message, refused.hint)
        return None
