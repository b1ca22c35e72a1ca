"""A release lives as long as its own roll-out takes."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic
from edgewright.kernel.units import format_duration


def check(subject: Subject) -> Iterator[Diagnostic]:
    """`expiresAfter` against the soak of all waves, which is the least that a roll-out takes."""
    spec = subject.blueprint.spec
    least = spec.rollout.soak * len(spec.rollout.waves)
    if spec.release.expires_after <= least:
        message = (
            f"expiresAfter is {format_duration(spec.release.expires_after)}, {len(spec.rollout.waves)} waves soak "
            f"{format_duration(least)}"
        )
        hint = "a device refuses an expired release: the last wave would fail; give it days, or shorten soak"
        yield subject.error("release-expires-early", message, ("spec", "release", "expiresAfter"), hint=hint)
