"""There is as much calibration text as the recipe asks for."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic
from edgewright.load.places import Path


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Rows of the calibration dataset against `samples`; a chat counts as one, though it may give more texts."""
    seen: set[Path] = set()
    for _, _, choice, path in subject.builds():
        recipe = subject.recipe(choice)
        calibration = recipe.calibration if recipe is not None else None
        if choice is None or calibration is None or path in seen:
            continue
        seen.add(path)
        report = subject.whole.dataset(calibration.dataset)
        if report.state == "usable" and report.chats == 0 and 0 < report.rows < calibration.samples:
            message = f"{calibration.samples} samples are asked for, {calibration.dataset} has {report.rows} rows"
            hint = f"add text, or write samples: {report.rows}"
            place = (*path, "inline", "calibration", "samples") if choice.inline is not None else path
            yield subject.warning("calibration-samples", message, place, hint=hint)
