"""A blueprint's compression is used by at least one build."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """`spec.compression` is for builds that choose none of their own."""
    spec = subject.blueprint.spec
    if spec.compression is not None and all(build.compression is not None for build in spec.builds):
        message = f"spec.compression has no effect: each of the {len(spec.builds)} builds chooses its own"
        yield subject.warning(
            "compression-unused", message, ("spec", "compression"), hint="delete it, or the builds' own compression"
        )
