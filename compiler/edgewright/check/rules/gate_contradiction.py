"""No two gates ask for the opposite of each other."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.gates import gates
from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """A lower bound of one gate above the upper bound of another, for the same metric of the same build."""
    listed = [(gate, path, subject.targets_of(gate)) for gate, path in gates(subject)]
    for gate, path, targets in listed:
        for other, other_path, others in listed:
            if (gate.metric, gate.where) != (other.metric, other.where) or not targets & others or path == other_path:
                continue
            if gate.min is not None and other.max is not None and gate.min > other.max:
                message = (
                    f"{gate.metric} cannot be at least {gate.min:g} and, by spec.gates[{other_path[-1]}], "
                    f"at most {other.max:g}"
                )
                hint = f"both are for {', '.join(sorted(targets & others))}: change one, or keep their targets apart"
                yield subject.error("gate-contradiction", message, (*path, "min"), hint=hint)
