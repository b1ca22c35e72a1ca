"""A model fits the targets it is built for: memory, disk, and the decode rate that a gate asks for, by estimate."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.budget import Estimate, ModelFacts, estimate
from edgewright.check.rule import Subject
from edgewright.check.rules.build_refused import resolve_recipe
from edgewright.kernel.diagnostics import Diagnostic
from edgewright.kernel.units import format_size
from edgewright.load.yaml12 import Path
from edgewright.plugins.protocols import BuildRequest

SLUGS = ("target-memory", "target-disk", "decode-rate")


def declared_facts(subject: Subject) -> ModelFacts | None:
    """What the blueprint declares about the shape of its model."""
    facts = subject.blueprint.spec.model.facts
    if facts is None:
        return None
    return ModelFacts(
        facts.parameters, facts.layers, facts.hidden_size, facts.vocab_size, facts.kv_heads, facts.head_dim, "declared"
    )


def estimates(subject: Subject, facts: ModelFacts) -> Iterator[tuple[str, str, Path, tuple[Estimate, ...]]]:
    """Target name, recipe name, place and estimates of every build that can be resolved."""
    spec = subject.blueprint.spec
    for index, build, compression, _ in subject.builds():
        recipe = resolve_recipe(subject, compression)
        if recipe is None or build.backend not in subject.registry.names("backends"):
            continue
        backend = subject.registry.backend(build.backend)
        for position, name in enumerate(build.targets):
            target = subject.repository.targets.get(name)
            if target is None:
                continue
            request = BuildRequest(spec, name, target.document.spec, recipe, build.sequence_lengths)
            if backend.refuse(request) is not None:
                continue
            needs = backend.runtime(request)
            found = estimate(
                facts,
                target.document.spec,
                task=spec.model.task,
                context=spec.model.context,
                bits_per_weight=backend.bits_per_weight(recipe),
                runtime_memory_bytes=needs.memory_bytes,
                runtime_disk_bytes=needs.disk_bytes,
                decode_rate_wanted=_wanted_rate(subject, name, build.backend),
            )
            yield name, recipe.name, ("spec", "builds", index, "targets", position), found


def _wanted_rate(subject: Subject, target: str, backend: str) -> float | None:
    wanted = [
        gate.min
        for gate in subject.blueprint.spec.gates
        if gate.metric == "decode_rate"
        and gate.min is not None
        and (gate.targets is None or target in gate.targets)
        and (gate.backends is None or backend in gate.backends)
    ]
    return max(wanted) if wanted else None


def check(subject: Subject, facts: ModelFacts | None = None) -> Iterator[Diagnostic]:
    """Estimates that a target does not allow; nothing is said when the model's facts are not known yet."""
    known = facts or declared_facts(subject)
    if known is None:
        return
    name = subject.blueprint.metadata.name
    for target, _, place, found in estimates(subject, known):
        for item in found:
            if item.is_met:
                continue
            assert item.allowed is not None
            notes = (f"estimated from {known.origin} facts: {item.formula}",)
            if item.name == "decode_rate":
                message = (
                    f"{name} decodes at most {item.value:.1f} tokens/s on {target}, the gate asks for {item.allowed:g}"
                )
                hint = "compress more, lower the gate, or choose a target with more bandwidth"
                yield subject.error("decode-rate", message, place, notes=notes, hint=hint)
                continue
            message = (
                f"{name} does not fit {target}: {format_size(item.value)} of {item.name} needed, "
                f"{format_size(item.allowed)} allowed"
            )
            hint = "lower spec.model.context, compress more, or choose a larger target"
            yield subject.error(f"target-{item.name}", message, place, notes=notes, hint=hint)
