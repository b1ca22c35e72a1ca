"""Devices have the time to start a release before they give it up."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic
from edgewright.kernel.units import format_duration, format_size

_START_S = 10.0
"""Starting the service and asking it once."""
_CARD_BYTES_PER_S = 40e6
"""Reading of a slow SD card: below what the Raspberry Pi documentation gives for its own cards."""
_MARGIN_S = 15.0
"""A revert starts this long before the time is over, or a quarter of it: see ARCHITECTURE.md."""


def check(subject: Subject) -> Iterator[Diagnostic]:
    """`confirmTimeout` against start, health check and the reading of the weights from a slow card."""
    timeout = subject.blueprint.spec.rollout.confirm_timeout
    left = timeout - min(_MARGIN_S, timeout / 4)
    weights = max((found.weights for found in subject.estimated), default=0.0)
    needed = _START_S + weights / _CARD_BYTES_PER_S
    if left < needed:
        message = f"confirmTimeout leaves a device {format_duration(left)}, about {format_duration(needed)} is needed"
        note = (
            f"{format_duration(_START_S)} to start and answer + {format_size(weights)} of weights at "
            f"{_CARD_BYTES_PER_S / 1e6:g} MB/s; the revert begins before the time is over"
        )
        hint = "write 5m: a device that is too slow goes back to its old release"
        place = ("spec", "rollout", "confirmTimeout")
        yield subject.warning("confirm-timeout-short", message, place, hint=hint, notes=(note,))
