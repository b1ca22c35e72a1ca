"""A lock is of the blueprint whose name it has."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import error_at
from edgewright.check.whole import Whole
from edgewright.kernel.diagnostics import Diagnostic


def check(whole: Whole) -> Iterator[Diagnostic]:
    """`metadata.name` and `spec.blueprint` of every lock."""
    for name, loaded in sorted(whole.repository.locks.items()):
        of = loaded.document.spec.blueprint
        if of != name:
            message = f"the lock {name} says that it is of {of!r}: it was renamed or edited by hand"
            yield error_at(
                loaded, "lock-name", message, ("spec", "blueprint"), hint="run edgewright lock and commit the result"
            )
