"""Fixes of documents: the edit that mends a misspelt key or name, where only one known word can have been meant.

Pure. Invariant: what is put into a document is a known word, written so that YAML reads it as that word, as text.
"""

from __future__ import annotations

import bisect
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from edgewright.kernel.diagnostics import Diagnostic, Edit, Fix, Span, sure_match
from edgewright.load.places import Path
from edgewright.load.yaml12 import Parsed, SpanMap

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_LINE_END = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_KEYS_COMPARED = 200
"""A mapping with more keys than this is wrong as a whole."""
_NOT_TEXT = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_TRUTHS = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


def key_fix(parsed: Parsed, path: Path, known: Iterable[str]) -> Fix | None:
    """Rename a key to the only one that can have been meant, unless that is there or two keys would become it."""
    *parents, key = path
    mapping: Any = parsed.value
    for part in parents:
        mapping = mapping[part]
    span = parsed.spans.keys.get(path)
    words = set(known)
    meant = sure_match(str(key), words)
    if meant is None or span is None or meant in mapping or len(mapping) > _KEYS_COMPARED:
        return None
    rivals = [other for other in mapping if other not in words and sure_match(other, words) == meant]
    return _write(span, meant) if rivals == [key] else None


def name_fix(spans: SpanMap, path: Path, name: object, known: Iterable[str]) -> Fix | None:
    """Replace a name, or another word, by the only one that can have been meant."""
    span = spans.values.get(path)
    meant = sure_match(name, known) if isinstance(name, str) else None
    return _write(span, meant) if span is not None and meant is not None else None


def truth_fix(spans: SpanMap, path: Path, value: object) -> Fix | None:
    """Replace one of YAML 1.1's words for true and false."""
    span = spans.values.get(path)
    word = _TRUTHS.get(value.lower()) if isinstance(value, str) else None
    return Fix(f"write {word}", (Edit(span, word),)) if span is not None and word is not None else None


def second_keys_fixed(problems: Iterable[Diagnostic], data: bytes, spans: SpanMap) -> list[Diagnostic]:
    """The problems of a text; keys that are written twice with the same words on a line of their own have a fix."""
    found = list(problems)
    if all(problem.slug != "duplicate-key" for problem in found):
        return found
    lines = _LINE_END.split(data.decode("utf-8"))
    indents = [len(line) - len(line.lstrip()) for line in lines]
    # in a block all keys stand in one column, so the nearest one above with the same words is the first one
    said: dict[tuple[int, str], list[tuple[int, Path]]] = {}
    for path, span in spans.keys.items():
        if indents[span.line - 1] == span.column - 1:
            said.setdefault((span.column, lines[span.line - 1].strip()), []).append((span.line, path))
    return [_second_key_fixed(problem, lines, indents, said, spans) for problem in found]


def _second_key_fixed(
    problem: Diagnostic,
    lines: list[str],
    indents: list[int],
    said: Mapping[tuple[int, str], list[tuple[int, Path]]],
    spans: SpanMap,
) -> Diagnostic:
    span = problem.span
    if problem.slug != "duplicate-key" or span is None or indents[span.line - 1] != span.column - 1:
        return problem
    words = lines[span.line - 1].strip()
    rivals = said.get((span.column, words), [])
    above = bisect.bisect_left(rivals, (span.line, ())) - 1
    if above < 0 or "#" in words or spans.values[rivals[above][1]].end_line != rivals[above][0]:
        return problem
    end = Span(span.path, span.line, 1, span.line + 1, 1)
    if span.line == len(lines):
        end = Span(span.path, span.line, 1, span.line, len(lines[-1]) + 1)
    return replace(problem, fix=Fix("remove the second one", (Edit(end, ""),)))


def _write(span: Span, word: str) -> Fix | None:
    if span.line != span.end_line:
        return None
    is_plain = _PLAIN.fullmatch(word) and word.lower() not in _NOT_TEXT
    return Fix(f"write {word!r}", (Edit(span, word if is_plain else json.dumps(word)),))
