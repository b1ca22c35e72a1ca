"""A target gives a model no more memory than it has."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import error_at
from edgewright.check.whole import Whole
from edgewright.kernel.diagnostics import Diagnostic
from edgewright.kernel.units import format_size


def check(whole: Whole) -> Iterator[Diagnostic]:
    """`memoryForModel` against `memory`, in the repository's own targets."""
    for name, loaded in whole.own_targets:
        spec = loaded.document.spec
        if spec.memory_for_model > spec.memory:
            given, has = format_size(spec.memory_for_model), format_size(spec.memory)
            message = f"{name} gives a model {given} of memory, it has {has}"
            hint = "memoryForModel is what is left beside the system and the device's own work"
            yield error_at(loaded, "target-memory-split", message, ("spec", "memoryForModel"), hint=hint)
