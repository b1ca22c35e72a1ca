"""Four-bit weights are judged by how far they are from the original."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.gates import DIVERGENCE, NOT_QUALITY, gates, metrics_of
from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic
from edgewright.load.places import Path


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Builds with a 4-bit recipe that have gates about quality, but none that compares with float32."""
    known = metrics_of(subject)
    far = [gate for gate, _ in gates(subject) if gate.metric in DIVERGENCE]
    compared = frozenset[str]().union(*(subject.targets_of(gate) for gate in far))
    some = [gate for gate, _ in gates(subject) if gate.metric not in NOT_QUALITY]
    judged = frozenset[str]().union(*(subject.targets_of(gate) for gate in some))
    told: set[Path] = set()
    for variant in subject.variants:
        name, path = variant.target_name, variant.compression_path
        is_bare = name in judged and name not in compared
        if variant.request.recipe.method == "int4-weight-only" and is_bare and path not in told:
            told.add(path)
            message = f"the 4-bit recipe {variant.request.recipe.name} ships without a gate on its distance to float32"
            hint = f"add a gate on one of {', '.join(sorted(DIVERGENCE & set(known)))}"
            yield subject.warning("gate-missing-divergence", message, path, hint=hint)
