"""The canary is a part of the fleet: not more devices than a class has, not the whole fleet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic
from edgewright.spec.v1beta1.blueprint import CanaryWave


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Compare the canary with the devices that are written inline; the hosts of an inventory are not known here."""
    wave = subject.blueprint.spec.rollout.waves[0]
    fleet = subject.repository.fleets.get(subject.blueprint.spec.fleet.ref)
    if not isinstance(wave, CanaryWave) or fleet is None or not fleet.document.spec.devices:
        return
    place = ("spec", "rollout", "waves", 0)
    counts = Counter(device.target for device in fleet.document.spec.devices)
    total = counts.total()
    most = max(counts.values())
    if wave.per_target > most:
        message = f"the canary asks for {wave.per_target} devices per target, no target has more than {most}"
        notes = tuple(f"{target} has {count}" for target, count in sorted(counts.items())[:8])
        yield subject.error(
            "canary-size", message, place, notes=notes, hint=f"write canary: {max(1, most - 1)} per target"
        )
        return
    canary = sum(min(wave.per_target, count) for count in counts.values())
    if canary == total and total > 1:
        message = f"the canary is the whole fleet: {canary} of {total} devices"
        hint = "a bad release reaches every device at once; take fewer devices per target, or add devices"
        yield subject.warning("canary-size", message, place, hint=hint)
