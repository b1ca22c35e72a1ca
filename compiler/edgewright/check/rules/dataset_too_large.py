"""No dataset is larger than evaluation reads."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.datasets import LINES_LIMIT, SIZE_LIMIT_BYTES
from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """The size and the lines of every dataset."""
    for name, place, report in subject.datasets:
        if report.state == "too-large":
            message = f"the dataset {name} has {report.size_bytes:,} bytes, {SIZE_LIMIT_BYTES:,} allowed"
        elif report.state == "too-long":
            message = f"the dataset {name} has more than the {LINES_LIMIT:,} lines that are allowed"
        else:
            continue
        hint = "keep a sample of it: evaluation reads spec.evaluation.maxTokens at most"
        yield subject.error("dataset-too-large", message, place, hint=hint)
