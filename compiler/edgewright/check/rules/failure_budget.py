"""A roll-out stops before half of the fleet has failed."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic

_MOST = 0.5


def check(subject: Subject) -> Iterator[Diagnostic]:
    """`failureBudget`, the share of devices that may fail before a roll-out stops."""
    budget = subject.blueprint.spec.rollout.failure_budget
    if budget >= _MOST:
        message = f"failureBudget is {budget:.0%}: so many devices may fail before the roll-out stops"
        hint = "write 5%, or 0% to stop at the first"
        yield subject.warning("failure-budget", message, ("spec", "rollout", "failureBudget"), hint=hint)
