"""Every line of a dataset is a row: a text, a question with its passage, or a chat."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic

_EXAMPLE = 'write one JSON object a line, such as {"text": "…"}'


def check(subject: Subject) -> Iterator[Diagnostic]:
    """The first wrong line of every dataset, at its place in the dataset."""
    for _, _, report in subject.datasets:
        if report.bad_line is not None:
            yield Diagnostic("dataset-line", report.bad_line.problem, span=report.bad_line.span, hint=_EXAMPLE)
