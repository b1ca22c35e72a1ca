"""The target has a runtime for the backend."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """The target's own list of runtimes; what the backend refuses anyway is not told twice."""
    for variant in subject.variants:
        runtimes = variant.request.target.runtimes
        if variant.build.backend not in runtimes and variant.refusal is None:
            have = ", ".join(runtimes) or "none"
            message = f"{variant.target_name} has no runtime for {variant.build.backend}, it has {have}"
            hint = "choose another backend for this target"
            yield subject.error("runtime-absent", message, variant.path, hint=hint)
