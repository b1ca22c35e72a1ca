"""The canary asks for no more devices of a target than the fleet has."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rollouts import canary_of
from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """The canary against the devices of the fleet."""
    found = canary_of(subject)
    if found is None:
        return
    counts = subject.counts.by_target
    most = max(counts.values())
    if found.per_target > most:
        message = f"the canary asks for {found.per_target} devices per target, no target has more than {most}"
        notes = tuple(f"{target} has {count}" for target, count in sorted(counts.items())[:8])
        hint = f"write canary: {{perTarget: {max(1, most - 1)}}}"
        yield subject.error("canary-size", message, ("spec", "rollout", "waves", 0), notes=notes, hint=hint)
