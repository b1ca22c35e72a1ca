"""A gate on retrieval has questions and passages to be measured on."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic

_LEAST_PASSAGES = 2


def check(subject: Subject) -> Iterator[Diagnostic]:
    """`retrieval_agreement` compares which passage is nearest to a question: one question, two passages at least."""
    spec = subject.blueprint.spec
    report = subject.whole.dataset(spec.evaluation.dataset)
    if report.state != "usable" or report.rows == 0 or (report.queries and report.passages >= _LEAST_PASSAGES):
        return
    for index, gate in enumerate(spec.gates):
        if gate.metric == "retrieval_agreement":
            message = (
                f"retrieval_agreement cannot be measured: {spec.evaluation.dataset} has {report.queries} questions and "
                f"{report.passages} passages, at least 1 and {_LEAST_PASSAGES} are needed"
            )
            hint = 'write {"id": "a", "text": "…"} and {"query": "…", "passage": "a"} rows'
            yield subject.error("dataset-without-pairs", message, ("spec", "gates", index, "metric"), hint=hint)
