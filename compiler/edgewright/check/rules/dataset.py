"""Datasets exist, lie in the repository, and hold at least one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path as FilePath

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic, Span, did_you_mean
from edgewright.load.yaml12 import Path

SIZE_LIMIT_BYTES = 64 << 20
_EXAMPLE = 'write one JSON object a line, such as {"text": "…"}'


def check(subject: Subject) -> Iterator[Diagnostic]:
    """The evaluation dataset, and the calibration text of every recipe that would ship; each file once."""
    seen: set[str] = set()
    evaluation = subject.blueprint.spec.evaluation.dataset
    for name, place in ((evaluation, ("spec", "evaluation", "dataset")), *_calibrations(subject)):
        if name not in seen:
            seen.add(name)
            yield from _file(subject, name, place)


def _calibrations(subject: Subject) -> Iterator[tuple[str, Path]]:
    for _, _, choice, path in subject.builds():
        recipe = subject.recipe(choice)
        if choice is not None and recipe is not None and recipe.calibration is not None:
            inline = choice.inline is not None
            yield recipe.calibration.dataset, (*path, "inline", "calibration", "dataset") if inline else path


def _file(subject: Subject, name: str, place: Path) -> Iterator[Diagnostic]:
    root = subject.repository.root
    path = root / name
    inside = [path, *path.parents[: len(path.relative_to(root).parts) - 1]]
    if any(part.is_symlink() for part in inside):
        message = f"the dataset {name} is reached through a link; only regular files are read"
        yield subject.error("dataset-missing", message, place, hint="copy the file into the repository")
        return
    if not path.is_file():
        hint = _near(subject, path)
        yield subject.error("dataset-missing", f"the dataset {name} does not exist", place, hint=hint)
        return
    size = path.stat().st_size
    if size > SIZE_LIMIT_BYTES:
        message = f"the dataset {name} has {size:,} bytes, {SIZE_LIMIT_BYTES:,} allowed"
        yield subject.error(
            "dataset-too-large", message, place, hint="evaluation reads spec.evaluation.maxTokens at most"
        )
        return
    rows = 0
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        problem = _problem(line) if line.strip() else None
        if problem is not None:
            span = Span(name, number, 1, number, len(line.decode(errors="replace").rstrip("\r")) + 1)
            yield Diagnostic("dataset-line", f"line {number} of {name} {problem}", span=span, hint=_EXAMPLE)
            return
        rows += bool(line.strip())
    if rows == 0:
        message = f"the dataset {name} has 0 lines, at least 1 is needed"
        yield subject.error("dataset-empty", message, place, hint="add evaluation text: gates are judged on it")


def _near(subject: Subject, path: FilePath) -> str:
    """What was probably meant: a file of a like name, or this path below the blueprint's own folder."""
    root, folder = subject.repository.root, path.parent
    names = [entry.name for entry in folder.iterdir() if entry.is_file()] if folder.is_dir() else []
    close = did_you_mean(path.name, names)
    if close and close.startswith("did you mean"):
        return close
    own = FilePath(subject.loaded.path).parent
    if (root / own / path.relative_to(root)).is_file():
        return f"paths start at the repository's root: give {own} as the repository"
    return "paths start at the repository's root"


def _problem(line: bytes) -> str | None:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"is not UTF-8 at byte {error.start}"
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        return f"is not JSON at column {error.colno}: {error.msg[:1].lower()}{error.msg[1:]}"
    except (ValueError, RecursionError):
        return "is not JSON that can be read"
    if not isinstance(value, dict):
        return "is not a JSON object"
    return _shape_problem(value)


def _shape_problem(value: dict[str, object]) -> str | None:
    if "messages" in value:
        messages = value["messages"]
        is_chat = (
            isinstance(messages, list)
            and messages
            and all(
                isinstance(m, dict) and isinstance(m.get("role"), str) and isinstance(m.get("content"), str)
                for m in messages
            )
        )
        return None if is_chat else "has messages that are not a list of {role, content}"
    keys = [key for key in ("text", "query", "passage") if key in value]
    if keys not in (["text"], ["query", "passage"]):
        return f"has {', '.join(keys) or 'none of the keys'}; text, query and passage, or messages is needed"
    wrong = next((key for key in keys if not isinstance(value[key], str)), None)
    return f"has a {wrong} that is not text" if wrong else None
