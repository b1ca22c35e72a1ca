"""Every dataset has a row that its task can use."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic

_LEAST_TEXTS = 2
"""Of embeddings: similarity is a property of pairs."""


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Rows at all; and for embeddings, which take no chats, at least two texts."""
    task = subject.blueprint.spec.model.task
    for name, place, report in subject.datasets:
        if report.state != "usable":
            continue
        texts = report.passages + report.queries
        if report.rows == 0:
            message = f"the dataset {name} has 0 lines, at least 1 is needed"
            yield subject.error("dataset-empty", message, place, hint="add evaluation text: gates are judged on it")
        elif task == "embeddings" and texts < _LEAST_TEXTS and name == subject.blueprint.spec.evaluation.dataset:
            message = f"the dataset {name} has {texts} texts, embeddings need at least {_LEAST_TEXTS}"
            hint = f'write {{"text": "…"}} rows; its {report.chats} chats are not used for embeddings'
            yield subject.error("dataset-empty", message, place, hint=hint)
