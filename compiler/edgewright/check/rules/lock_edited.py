"""The entries of a lock are as `edgewright lock` wrote them."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import error_at
from edgewright.check.whole import Whole
from edgewright.kernel.diagnostics import Diagnostic
from edgewright.load.documents import Loaded
from edgewright.spec.v1beta1.lock import Lock

_HINT = "run edgewright lock: it resolves the entry anew; commit the result"


def check(whole: Whole) -> Iterator[Diagnostic]:
    """`contentDigest` of every entry that has one, and one size for one digest."""
    for _, loaded in sorted(whole.repository.locks.items()):
        edited = set()
        for index, entry in enumerate(loaded.document.spec.entries):
            if entry.content_digest is not None and entry.content_digest != entry.own_digest:
                edited.add(index)
                path = ("spec", "entries", index, "contentDigest")
                message = (
                    f"the {entry.kind} {entry.name[:80]!r} is not what its contentDigest says: it was edited by hand"
                )
                yield error_at(loaded, "lock-edited", message, path, hint=_HINT)
        yield from _sizes(loaded, edited)


def _sizes(loaded: Loaded[Lock], edited: set[int]) -> Iterator[Diagnostic]:
    sizes: dict[str, int] = {}
    for index, entry in enumerate(loaded.document.spec.entries):
        for position, file in enumerate(entry.files):
            first = sizes.setdefault(file.digest, file.size)
            if file.size != first and index not in edited:
                message = (
                    f"{file.name[:80]} has {file.size:,} bytes, {first:,} elsewhere in this lock for the same digest"
                )
                path = ("spec", "entries", index, "files", position, "size")
                yield error_at(loaded, "lock-edited", message, path, hint=_HINT)
