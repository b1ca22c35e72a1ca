"""A gate on devices is one that devices measure."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.gates import DEVICE_METRICS, gates, metrics_of
from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Metrics of gates with `where: device`."""
    known = metrics_of(subject)
    for gate, path in gates(subject):
        if gate.where == "device" and gate.metric in known and gate.metric not in DEVICE_METRICS:
            message = f"a device does not measure {gate.metric}, only {', '.join(sorted(DEVICE_METRICS))}"
            yield subject.error("gate-device-metric", message, (*path, "where"), hint="delete where: device")
