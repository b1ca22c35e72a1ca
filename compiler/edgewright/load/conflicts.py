"""Merges that were not finished: the conflict markers that Git leaves in a file.

Pure. Said before the file is parsed, because what a YAML parser says of `<<<<<<<` helps nobody.
"""

from __future__ import annotations

import re

from edgewright.kernel.diagnostics import Diagnostic, Span

_MARKER = re.compile(rb"^(?:<{7} |>{7} |={7}\r?$)", re.MULTILINE)


def find_conflict(data: bytes, path: str) -> Diagnostic | None:
    """The diagnostic for a document with conflict markers, at the first of them."""
    found = list(_MARKER.finditer(data))
    if not found or not data[found[0].start() :].startswith(b"<" * 7):
        return None
    line = data.count(b"\n", 0, found[0].start()) + 1
    sides = sum(data[m.start() : m.start() + 1] == b"<" for m in found)
    message = f"{path} has {sides} conflict{'s' if sides > 1 else ''} of a merge that was not finished"
    hint = "take what both sides mean, then remove the markers"
    if path.endswith(".lock.yaml"):
        hint = "finish the merge of the other files, then run edgewright lock: it writes the lock anew"
    return Diagnostic("merge-conflict", message, span=Span(path, line, 1, line, 8), hint=hint)
