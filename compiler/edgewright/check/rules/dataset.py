"""Datasets exist, lie in the repository, and hold at least one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic, Span
from edgewright.load.yaml12 import Path

SLUGS = ("dataset-missing", "dataset-empty", "dataset-line", "dataset-too-large")
SIZE_LIMIT_BYTES = 64 << 20
_KNOWN_KEYS = frozenset({"text", "query", "passage", "messages"})


def check(subject: Subject) -> Iterator[Diagnostic]:
    """The evaluation dataset, and the calibration text of inline recipes."""
    yield from _file(subject, subject.blueprint.spec.evaluation.dataset, ("spec", "evaluation", "dataset"))
    for _, _, compression, path in subject.builds():
        recipe = compression.inline if compression else None
        if recipe is not None and recipe.calibration is not None:
            yield from _file(subject, recipe.calibration.dataset, (*path, "inline", "calibration", "dataset"))


def _file(subject: Subject, name: str, place: Path) -> Iterator[Diagnostic]:
    path = subject.repository.root / name
    if any(part.is_symlink() for part in (path, *path.parents) if part.is_relative_to(subject.repository.root)):
        yield subject.error("dataset-missing", f"{name} is reached through a link; only regular files are read", place)
        return
    if not path.is_file():
        yield subject.error("dataset-missing", f"the dataset {name} does not exist", place)
        return
    size = path.stat().st_size
    if size > SIZE_LIMIT_BYTES:
        message = f"the dataset {name} has {size} bytes, {SIZE_LIMIT_BYTES} allowed"
        yield subject.error("dataset-too-large", message, place)
        return
    rows = 0
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        if not line.strip():
            continue
        problem = _problem(line)
        if problem is not None:
            message = f"line {number} of {name} {problem}"
            yield Diagnostic(
                "dataset-line",
                message,
                span=Span(name, number, 1, number, len(line) + 1),
                hint='write one object a line, such as {"text": "…"}',
            )
            return
        rows += 1
    if rows == 0:
        yield subject.error(
            "dataset-empty",
            f"the dataset {name} has no line",
            place,
            hint="a gate that measures nothing would be red; add evaluation text",
        )


def _problem(line: bytes) -> str | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return "is not JSON"
    if not isinstance(value, dict):
        return "is not a JSON object"
    if not _KNOWN_KEYS & value.keys():
        return f"has none of the keys {', '.join(sorted(_KNOWN_KEYS))}"
    return None
