"""Fixes applied to the text of a document: comments, order and formatting stay, because only spans are replaced.

Pure: text in, text out. Invariant: a text is returned only if it parses, and differs in value from what it was only
where an edit stands; a key that is renamed keeps its value and its position.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from edgewright.kernel.diagnostics import Edit, Fix
from edgewright.load.fixes import second_keys_fixed
from edgewright.load.places import Path
from edgewright.load.positions import Positions
from edgewright.load.yaml12 import Parsed, parse

_MOST_READ = 4 << 20
"""Characters: each try to find out which fixes go together reads the whole document."""


@dataclass(frozen=True, slots=True)
class Mended:
    """The text after fixes, and those that were applied; the others would not have done what they say."""

    text: str
    applied: tuple[Fix, ...]


def mend(text: str, path: str, fixes: Iterable[Fix]) -> Mended:
    """Apply every fix that touches this file alone, overlaps no other and passes the test; in order of place."""
    parsed, _ = parse(text.encode(), path)
    wanted = [fix for fix in sorted(set(fixes)) if all(edit.span.path == path for edit in fix.edits)]
    if parsed is None or not wanted:
        return Mended(text, ())
    together = _apply(text, path, wanted)
    if together is not None and _is_as_meant(parsed, together, _edits(wanted)):
        return Mended(together, tuple(wanted))
    chosen = _that_go_together(text, parsed, wanted)
    return Mended(_apply(text, path, chosen) or text, tuple(chosen))


def second_keys(text: str, path: str) -> list[Fix]:
    """The fixes of all keys that are written twice, however many: a report names only the first ones."""
    parsed, problems = parse(text.encode(), path)
    found = second_keys_fixed(problems, text.encode(), parsed.spans) if parsed is not None else []
    return [problem.fix for problem in found if problem.fix is not None]


def _that_go_together(text: str, parsed: Parsed, wanted: Sequence[Fix]) -> list[Fix]:
    """One of them is wrong, or two overlap: take what can be taken, by halves, until enough was read."""
    chosen: list[Fix] = []
    waiting = [list(wanted)]
    for _ in range(_MOST_READ // len(text)):
        if not waiting:
            break
        part = waiting.pop()
        tried = _apply(text, parsed.spans.path, [*chosen, *part])
        if tried is not None and _is_as_meant(parsed, tried, _edits([*chosen, *part])):
            chosen += part
        elif len(part) > 1:
            waiting += [part[len(part) // 2 :], part[: len(part) // 2]]
    return chosen


def _edits(fixes: Sequence[Fix]) -> list[Edit]:
    return sorted({edit for fix in fixes for edit in fix.edits})


def _apply(text: str, path: str, fixes: Sequence[Fix]) -> str | None:
    """The text with all edits made, or None when two overlap or one is outside the text."""
    positions = Positions(text, path)
    parts: list[str] = []
    last = 0
    for edit in _edits(fixes):
        place = positions.offsets(edit.span)
        if place is None or place[0] < last:
            return None
        parts += [text[last : place[0]], edit.replacement]
        last = place[1]
    return "".join([*parts, text[last:]])


def _is_as_meant(before: Parsed, text: str, edits: Sequence[Edit]) -> bool:
    after, _ = parse(text.encode(), before.spans.path)
    return after is not None and _is_same(before, before.value, after.value, (), {edit.span for edit in edits})


def _is_same(parsed: Parsed, before: Any, after: Any, path: Path, edited: set[Any]) -> bool:
    """Whether two values are equal but for keys and scalars whose own span was edited."""
    if isinstance(before, dict) and isinstance(after, dict):
        if len(before) != len(after):
            return False
        for (old, value), (new, other) in zip(before.items(), after.items(), strict=True):
            if old != new and parsed.spans.keys.get((*path, old)) not in edited:
                return False
            if not _is_same(parsed, value, other, (*path, old), edited):
                return False
        return True
    if isinstance(before, list) and isinstance(after, list):
        pairs = enumerate(zip(before, after, strict=False))
        return len(before) == len(after) and all(_is_same(parsed, a, b, (*path, i), edited) for i, (a, b) in pairs)
    is_scalar = not isinstance(before, dict | list) and not isinstance(after, dict | list)
    is_equal = type(before) is type(after) and before == after
    return is_equal or (is_scalar and parsed.spans.values.get(path) in edited)
