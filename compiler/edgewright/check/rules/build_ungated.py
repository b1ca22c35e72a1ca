"""Every build has a gate."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.gates import are_placed, gates
from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Builds that no gate with `where: build` is for: they are red whatever they are worth.

    While a gate is for what is not built or not measured there nothing is said: that is the likely reason.
    """
    if not are_placed(subject):
        return
    judged = frozenset[str]().union(*(subject.targets_of(gate) for gate, _ in gates(subject) if gate.where == "build"))
    for index, build in enumerate(subject.blueprint.spec.builds):
        bare = [target for target in build.targets if target not in judged]
        if bare:
            message = f"the {build.backend} build for {', '.join(bare)} has 0 gates: what nothing judges is red"
            hint = "add a gate, or widen the targets and backends of one"
            yield subject.error("build-ungated", message, ("spec", "builds", index, "backend"), hint=hint)
