"""The memory bandwidth of a target allows the decode rate that a gate wants."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.budgets import reported
from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """The upper bound that bandwidth sets, against the strictest `decode_rate` gate of each target."""
    for found, item, wanted, formula in reported(subject, "decode_rate"):
        target = found.variant.target_name
        message = f"{subject.name} decodes at most {item.value:.1f} tokens/s on {target}, {wanted:g} wanted by a gate"
        hint = "compress more, lower the gate, or choose a target with more bandwidth"
        yield subject.error("decode-rate", message, found.variant.path, notes=(formula,), hint=hint)
