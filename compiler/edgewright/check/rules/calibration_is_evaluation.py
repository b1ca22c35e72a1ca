"""A recipe is not calibrated on the text that it is judged on."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """The datasets of calibration and evaluation are two files."""
    evaluation = subject.blueprint.spec.evaluation.dataset
    for path in sorted({path for name, path in subject.calibrations() if name == evaluation}, key=str):
        message = f"{evaluation} calibrates the recipe and judges it: its gates say nothing of other text"
        hint = "write other text of the same kind into a file of its own for calibration"
        yield subject.warning("calibration-is-evaluation", message, path, hint=hint)
