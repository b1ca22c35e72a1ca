"""A target whose backend needs packages says which Python it has."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Wheels are made for one Python version: without it none can be chosen."""
    for variant in subject.variants:
        if variant.refusal is not None or variant.request.target.python is not None:
            continue
        wheels = variant.backend.runtime(variant.request).wheels
        if wheels:
            needed = ", ".join(wheel.package for wheel in wheels)
            message = f"{variant.target_name} does not say which Python it has; {variant.build.backend} needs {needed}"
            hint = f'write python: "3.11" (what python3 --version says there) into the target {variant.target_name}'
            yield subject.error("target-python-missing", message, variant.path, hint=hint)
