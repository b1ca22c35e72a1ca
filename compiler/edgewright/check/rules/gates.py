"""Gates name metrics that the task has, and targets and backends that the blueprint builds."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic, did_you_mean
from edgewright.load.yaml12 import Path

DEVICE_METRICS = frozenset({"latency_median", "latency_p95", "peak_memory", "decode_rate"})
"""What the agent measures at its health check; the reference vector it always reproduces."""
_NOT_QUALITY = DEVICE_METRICS | {"artifact_size", "tokenizer_parity", "chat_template_parity"}


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Each gate's names; and that at least one gate is about quality."""
    spec = subject.blueprint.spec
    if spec.model.task not in subject.registry.names("metrics"):
        message = f"nothing measures {spec.model.task}, so its gates could not pass"
        hint = f"tasks with metrics: {', '.join(subject.registry.names('metrics'))}"
        yield subject.error("task-not-measured", message, ("spec", "model", "task"), hint=hint)
        return
    known = subject.registry.metrics(spec.model.task).metrics
    backends = {build.backend for build in spec.builds}
    for index, gate in enumerate(spec.gates):
        path: Path = ("spec", "gates", index)
        if gate.metric not in known:
            close = did_you_mean(gate.metric, known)
            message = f"{spec.model.task} has no metric {gate.metric!r}"
            yield subject.error("unknown-metric", message, (*path, "metric"), hint=close)
        elif gate.where == "device" and gate.metric not in DEVICE_METRICS:
            message = f"a device does not measure {gate.metric}, only {', '.join(sorted(DEVICE_METRICS))}"
            yield subject.error("gate-device-metric", message, (*path, "where"), hint="delete where: device")
        yield from _scope(subject, "gate-target", gate.targets, subject.built_targets, (*path, "targets"))
        yield from _scope(subject, "gate-backend", gate.backends, backends, (*path, "backends"))
    if all(gate.metric in _NOT_QUALITY for gate in spec.gates):
        message = f"0 of {len(spec.gates)} gates are about quality: a broken compression would ship"
        quality = sorted(set(known) - _NOT_QUALITY)
        hint = f"add a gate on one of {', '.join(quality)}"
        yield subject.warning("gate-missing-quality", message, ("spec", "gates"), hint=hint)


def _scope(
    subject: Subject, slug: str, names: tuple[str, ...] | None, built: Collection[str], path: Path
) -> Iterator[Diagnostic]:
    for position, name in enumerate(names or ()):
        if name not in built:
            message = f"the gate is for {name!r}, which {subject.name} does not build: it would never be measured"
            yield subject.error(slug, message, (*path, position), hint=did_you_mean(name, built))
