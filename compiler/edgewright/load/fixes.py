"""Fixes of documents: the edit that mends a misspelt key or name, where only one known word can have been meant.

Pure. Invariant: what is put into a document is a known word, written so that YAML reads it as that word, as text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from edgewright.kernel.diagnostics import Edit, Fix, Span, sure_match
from edgewright.load.yaml12 import Parsed, Path, SpanMap

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
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
    if meant is None or span is None or meant in mapping:
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


def _write(span: Span, word: str) -> Fix | None:
    if span.line != span.end_line:
        return None
    is_plain = _PLAIN.fullmatch(word) and word.lower() not in _NOT_TEXT
    return Fix(f"write {word!r}", (Edit(span, word if is_plain else json.dumps(word)),))
