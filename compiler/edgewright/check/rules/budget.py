"""A model fits the targets it is built for: memory, disk, and the decode rate that a gate asks for, by estimate."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.budget import Estimate, Footprint, ModelFacts, estimate
from edgewright.check.rule import Subject, Variant
from edgewright.kernel.diagnostics import Diagnostic
from edgewright.kernel.units import format_size


def declared_facts(subject: Subject) -> ModelFacts | None:
    """What the blueprint declares about the shape of its model."""
    facts = subject.blueprint.spec.model.facts
    return ModelFacts.from_declared(facts) if facts is not None else None


def estimates(subject: Subject, facts: ModelFacts) -> Iterator[tuple[Variant, tuple[Estimate, ...]]]:
    """Every build that can be made, with its estimates."""
    model = subject.blueprint.spec.model
    for variant in subject.variants():
        request = variant.request
        if variant.backend.refuse(request) is not None:
            continue
        needs = variant.backend.runtime(request)
        footprint = Footprint(
            variant.backend.bits_per_weight(request.recipe),
            request.recipe.embedding_bits,
            needs.memory_bytes,
            needs.disk_bytes,
        )
        wanted = _wanted_rate(subject, request.target_name, variant.build.backend)
        yield (
            variant,
            estimate(
                facts,
                request.target,
                footprint,
                task=model.task,
                context=model.context,
                decode_rate_wanted=wanted,
            ),
        )


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
    for variant, found in estimates(subject, known):
        for item in found:
            if not item.is_met and item.allowed is not None:
                yield _diagnostic(subject, variant, item, item.allowed, known)


def _diagnostic(subject: Subject, variant: Variant, item: Estimate, allowed: float, facts: ModelFacts) -> Diagnostic:
    target = variant.request.target_name
    formula = f"{item.formula}, estimated from {facts.origin} facts"
    if item.name == "decode_rate":
        message = f"{subject.name} decodes at most {item.value:.1f} tokens/s on {target}, {allowed:g} wanted by a gate"
        hint = "compress more, lower the gate, or choose a target with more bandwidth"
        return subject.error("decode-rate", message, variant.path, notes=(formula,), hint=hint)
    needed = f"{format_size(item.value)} needed ({formula}), {format_size(allowed)} allowed"
    fitting = _fitting(subject, variant, item)
    smaller = "lower spec.model.context, compress more" if "KV cache" in item.formula else "compress more"
    hint = f"{smaller}, or use {fitting[0]}" if fitting else smaller
    what = "the memory" if item.name == "memory" else "the disk"
    message = f"{subject.name} does not fit {what} of {target}"
    return subject.error(f"target-{item.name}", message, variant.path, notes=(needed,), hint=hint)


def _fitting(subject: Subject, variant: Variant, item: Estimate) -> list[str]:
    """Targets of the same architecture and runtime that allow what is needed, the smallest first."""
    sizes: list[tuple[int, str]] = []
    for name, loaded in subject.repository.targets.items():
        spec = loaded.document.spec
        size = spec.memory_for_model if item.name == "memory" else spec.disk
        is_alike = spec.architecture == variant.request.target.architecture and variant.build.backend in spec.runtimes
        if is_alike and size >= item.value:
            sizes.append((size, name))
    return [name for _, name in sorted(sizes)]
