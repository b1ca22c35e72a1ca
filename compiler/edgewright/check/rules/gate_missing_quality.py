"""At least one gate of every build is about quality."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.gates import NOT_QUALITY, are_placed, gates, metrics_of
from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Gates of the blueprint; and, where it has some about quality, those of each build that has a gate."""
    known = metrics_of(subject)
    if not known:
        return
    spec = subject.blueprint.spec
    hint = f"add a gate on one of {', '.join(sorted(set(known) - NOT_QUALITY))}"
    about = [gate for gate, _ in gates(subject) if gate.metric not in NOT_QUALITY]
    if not about:
        message = f"0 of {len(spec.gates)} gates are about quality: a broken compression would ship"
        yield subject.warning("gate-missing-quality", message, ("spec", "gates"), hint=hint)
        return
    if not are_placed(subject):
        return
    judged = frozenset[str]().union(*(subject.targets_of(gate) for gate, _ in gates(subject) if gate.where == "build"))
    covered = frozenset[str]().union(*(subject.targets_of(gate) for gate in about))
    for index, build in enumerate(spec.builds):
        bare = [target for target in build.targets if target in judged - covered]
        if bare:
            message = f"the {build.backend} build for {', '.join(bare)} has 0 gates about quality"
            place = ("spec", "builds", index, "backend")
            yield subject.warning("gate-missing-quality", message, place, hint=hint)
