"""Between two waves there is time to see a failure."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic

_LEAST_S = 30.0


def check(subject: Subject) -> Iterator[Diagnostic]:
    """`soak` of roll-outs with several waves."""
    rollout, devices = subject.blueprint.spec.rollout, subject.real_count
    if devices > 1 and len(rollout.waves) > 1 and rollout.soak < _LEAST_S:
        message = f"soak is {rollout.soak:g} s: the next wave starts before a slow failure shows"
        hint = "write 10m; what fills memory or heats a device takes minutes"
        yield subject.warning("soak-missing", message, ("spec", "rollout", "soak"), hint=hint)
