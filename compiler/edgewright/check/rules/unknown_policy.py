"""Every compression policy that a blueprint chooses is declared."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.names import choices, unknown
from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Names of policies: shipped ones and documents of the repository."""
    known = subject.repository.compression_policies
    for choice, path in choices(subject):
        if choice.policy is not None:
            place = (*path, "policy")
            yield from unknown(subject, "unknown-policy", "CompressionPolicy", choice.policy, known, place)
