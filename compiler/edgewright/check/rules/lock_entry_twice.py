"""A lock has one answer to one question."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import error_at
from edgewright.check.whole import Whole
from edgewright.kernel.diagnostics import Diagnostic


def check(whole: Whole) -> Iterator[Diagnostic]:
    """Entries of one kind and name, and files of one name within an entry: two branches merged by hand."""
    hint = "run edgewright lock and commit the result"
    for _, loaded in sorted(whole.repository.locks.items()):
        seen: set[tuple[str, str]] = set()
        for index, entry in enumerate(loaded.document.spec.entries):
            path = ("spec", "entries", index)
            if (entry.kind, entry.name) in seen:
                message = f"the lock has the {entry.kind} {entry.name[:80]!r} twice"
                yield error_at(loaded, "lock-entry-twice", message, (*path, "name"), hint=hint)
            seen.add((entry.kind, entry.name))
            names: set[str] = set()
            for position, file in enumerate(entry.files):
                if file.name in names:
                    message = f"the {entry.kind} {entry.name[:80]!r} has the file {file.name[:80]!r} twice"
                    yield error_at(loaded, "lock-entry-twice", message, (*path, "files", position, "name"), hint=hint)
                names.add(file.name)
