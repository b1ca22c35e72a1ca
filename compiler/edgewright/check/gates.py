"""Gates as rules see them: their places, the metrics of the task, and which metrics are of which sort."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic
from edgewright.load.places import Path
from edgewright.spec.v1beta1.blueprint import GateSpec

DEVICE_METRICS = frozenset({"latency_median", "latency_p95", "peak_memory", "decode_rate"})
"""What the agent measures at its health check; the reference vector it always reproduces."""
NOT_QUALITY = DEVICE_METRICS | {"artifact_size", "tokenizer_parity", "chat_template_parity"}
DIVERGENCE = frozenset(
    {
        "kl_divergence_mean",
        "kl_divergence_p99",
        "top1_agreement",
        "perplexity_ratio",
        "cosine_mean",
        "cosine_min",
        "similarity_correlation",
        "retrieval_agreement",
    }
)
"""What compares an artifact with the float32 model that it was made from."""


def gates(subject: Subject) -> Iterator[tuple[GateSpec, Path]]:
    """Every gate and where it is written."""
    return ((gate, ("spec", "gates", index)) for index, gate in enumerate(subject.blueprint.spec.gates))


def metrics_of(subject: Subject) -> Mapping[str, str]:
    """Metrics of the blueprint's task with their units; none when nothing measures the task."""
    task = subject.blueprint.spec.model.task
    return subject.registry.metrics(task).metrics if task in subject.registry.names("metrics") else {}


def are_placed(subject: Subject) -> bool:
    """Whether every gate is for what is built, and measured where it is to be: other rules say so where not."""
    backends = {build.backend for build in subject.blueprint.spec.builds}
    return all(
        subject.built_targets.issuperset(gate.targets or ())
        and backends.issuperset(gate.backends or ())
        and (gate.where == "build" or gate.metric in DEVICE_METRICS)
        for gate, _ in gates(subject)
    )


def scope(
    subject: Subject, slug: str, names: tuple[str, ...] | None, built: Collection[str], path: Path
) -> Iterator[Diagnostic]:
    """Say which names of a gate's targets or backends the blueprint does not build."""
    for position, name in enumerate(names or ()):
        if name not in built:
            message = f"the gate is for {name!r}, which {subject.name} does not build: it would never be measured"
            yield subject.misnamed(slug, message, (*path, position), name, built)
