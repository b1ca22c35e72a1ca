"""A bound has the unit of its metric."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.gates import gates, metrics_of
from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic

_SMALLEST_SIZE = 1024
_LONGEST_LATENCY_S = 100.0
_LARGEST_RATIO = 1024


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Bounds that only a missing or a wrong unit explains; a bare number counts bytes or seconds."""
    units = metrics_of(subject)
    for gate, path in gates(subject):
        unit = units.get(gate.metric)
        for key, bound in (("min", gate.min), ("max", gate.max)):
            found = _problem(unit, bound) if unit is not None and bound is not None and bound > 0 else None
            if found is not None:
                is_read, hint = found
                message = f"{gate.metric} is bounded by {bound:g}, which is read as {is_read}"
                yield subject.error("gate-unit", message, (*path, key), hint=hint)


def _problem(unit: str, bound: float) -> tuple[str, str] | None:
    if unit == "B" and bound < _SMALLEST_SIZE:
        return f"{bound:g} bytes", f"write the unit, such as {bound:g}MiB"
    if unit == "s" and bound >= _LONGEST_LATENCY_S:
        return f"{bound:g} seconds", f"write the unit, such as {bound:g}ms" if bound < 100_000 else "write a duration"
    if unit == "" and bound >= _LARGEST_RATIO:
        return "a number without unit", "write a number or a percentage, no size"
    return None
