"""What one machine has to measure is of one architecture."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.gates import DEVICE_METRICS, gates
from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Gates of the build on time and memory, which are measured only where the artifact is at home."""
    for gate, path in gates(subject):
        if gate.where != "build" or gate.metric not in DEVICE_METRICS:
            continue
        targets = subject.targets_of(gate)
        homes = {v.request.target.architecture: v.target_name for v in subject.variants if v.target_name in targets}
        if len(homes) > 1:
            message = f"{gate.metric} is judged on one build machine, the gate is for {', '.join(sorted(homes))}"
            hint = "write where: device, or targets: those of the build machine's architecture"
            yield subject.error("gate-two-architectures", message, (*path, "metric"), hint=hint)
