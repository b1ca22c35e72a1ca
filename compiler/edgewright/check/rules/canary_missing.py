"""A release is tried on a few devices first."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rollouts import share_of
from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic

_FEW = 4
"""Fleets of fewer devices have no few to try on."""


def check(subject: Subject) -> Iterator[Diagnostic]:
    """The first wave, where it takes half of the fleet or more."""
    devices, first = subject.real_count, subject.blueprint.spec.rollout.waves[0]
    if devices < _FEW or not isinstance(first, float):
        return
    taken = share_of(first, devices)
    if 2 * taken >= devices:
        message = f"the first wave is {taken} of {devices} devices: a bad release reaches them all at once"
        hint = "let waves start with {canary: {perTarget: 1}}"
        yield subject.warning("canary-missing", message, ("spec", "rollout", "waves", 0), hint=hint)
