"""Gates name metrics that the task has, and targets and backends that the blueprint builds."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic, did_you_mean

SLUGS = ("unknown-metric", "gate-target", "gate-backend", "gate-missing-quality", "gate-device-metric")
DEVICE_METRICS = frozenset({"latency_median", "latency_p95", "peak_memory", "decode_rate"})
_NOT_QUALITY = DEVICE_METRICS | {"artifact_size"}


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Each gate's names; and that at least one gate is about quality."""
    spec = subject.blueprint.spec
    known = subject.registry.metrics(spec.model.task).metrics
    targets = {target for build in spec.builds for target in build.targets}
    backends = {build.backend for build in spec.builds}
    for index, gate in enumerate(spec.gates):
        path = ("spec", "gates", index)
        if gate.metric not in known:
            hint = did_you_mean(gate.metric, known)
            message = f"{spec.model.task} has no metric {gate.metric!r}"
            yield subject.error("unknown-metric", message, (*path, "metric"), hint=hint)
        elif gate.where == "device" and gate.metric not in DEVICE_METRICS:
            message = f"{gate.metric} cannot be measured on a device, only {', '.join(sorted(DEVICE_METRICS))}"
            yield subject.error("gate-device-metric", message, (*path, "where"), hint="remove where: device")
        for position, name in enumerate(gate.targets or ()):
            if name not in targets:
                message = f"the gate is for {name!r}, which is not built"
                hint = did_you_mean(name, targets)
                yield subject.error("gate-target", message, (*path, "targets", position), hint=hint)
        for position, name in enumerate(gate.backends or ()):
            if name not in backends:
                message = f"the gate is for {name!r}, by which nothing is built"
                hint = did_you_mean(name, backends)
                yield subject.error("gate-backend", message, (*path, "backends", position), hint=hint)
    if all(gate.metric in _NOT_QUALITY for gate in spec.gates):
        message = "no gate is about quality: a broken compression would ship"
        hint = "add a gate such as {metric: kl_divergence_mean, max: 0.02} or {metric: cosine_min, min: 0.95}"
        yield subject.warning("gate-missing-quality", message, ("spec", "gates"), hint=hint)
