"""Every gate decides something that no stricter gate has decided."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.gates import gates
from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """One-sided gates whose builds all have a stricter gate, or the same one before, on the same metric."""
    listed = [(gate, path, subject.targets_of(gate)) for gate, path in gates(subject)]
    for index, (gate, path, targets) in enumerate(listed):
        for position, (other, other_path, others) in enumerate(listed):
            if (gate.metric, gate.where) != (other.metric, other.where) or not targets or not targets <= others:
                continue
            # of two that ask the same of the same builds, the later one is too much
            is_after = position < index or targets != others or (gate.max, gate.min) != (other.max, other.min)
            if position == index or not is_after or not _covers((other.max, other.min), (gate.max, gate.min)):
                continue
            message = f"the gate on {gate.metric} decides nothing: spec.gates[{other_path[-1]}] asks the same or more"
            yield subject.warning("gate-duplicate", message, path, hint="delete one of the two")
            break


def _covers(strict: tuple[float | None, float | None], loose: tuple[float | None, float | None]) -> bool:
    """Whether what passes the one passes the other; bounds are (max, min)."""
    is_below = loose[0] is None or (strict[0] is not None and strict[0] <= loose[0])
    is_above = loose[1] is None or (strict[1] is not None and strict[1] >= loose[1])
    return is_below and is_above
