"""A roll-out does not stop the whole fleet at once."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """`maxUnavailable`, where it is written, against the number of devices."""
    rollout, devices = subject.blueprint.spec.rollout, subject.real_count
    is_written = "max_unavailable" in rollout.model_fields_set
    if is_written and 1 < devices <= rollout.max_unavailable:
        message = f"maxUnavailable is {rollout.max_unavailable}, the fleet has {devices} devices"
        hint = f"write maxUnavailable: {max(1, devices // 4)}, so that the others go on answering"
        yield subject.warning("max-unavailable", message, ("spec", "rollout", "maxUnavailable"), hint=hint)
