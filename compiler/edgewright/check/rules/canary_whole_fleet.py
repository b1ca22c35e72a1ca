"""The canary is a part of the fleet."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rollouts import canary_of
from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Devices that the canary takes against all of the fleet."""
    found = canary_of(subject)
    if found is None:
        return
    counts = subject.counts.by_target
    total, canary = subject.counts.total, sum(min(found.per_target, count) for count in counts.values())
    if canary == total and total > 1 and found.per_target <= max(counts.values()):
        message = f"the canary is the whole fleet: {canary} of {total} devices"
        hint = "a bad release reaches every device at once; take fewer devices per target, or add devices"
        yield subject.warning("canary-whole-fleet", message, ("spec", "rollout", "waves", 0), hint=hint)
