"""Roll-outs as rules see them: the canary, and how many devices a share is."""

from __future__ import annotations

import math

from edgewright.check.rule import Subject
from edgewright.spec.v1beta1.blueprint import CanaryWave


def canary_of(subject: Subject) -> CanaryWave | None:
    """The canary, where there is one and the devices are known."""
    wave = subject.blueprint.spec.rollout.waves[0]
    return wave if isinstance(wave, CanaryWave) and subject.counts.by_target else None


def share_of(share: float, total: int) -> int:
    """Devices that a share of the fleet takes: what `render.waves` cuts."""
    return math.ceil(round(share * total, 9))
