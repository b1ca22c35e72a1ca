"""The files of a lock stay where they belong."""

from __future__ import annotations

import re
from collections.abc import Iterator

from edgewright.check.rule import error_at
from edgewright.check.whole import Whole
from edgewright.kernel.diagnostics import Diagnostic

_CONTROL = re.compile(r"[\x00-\x1f\x7f\\]")


def check(whole: Whole) -> Iterator[Diagnostic]:
    """Names of locked files: relative, without `..`, backslashes and control characters."""
    for _, loaded in sorted(whole.repository.locks.items()):
        for index, entry in enumerate(loaded.document.spec.entries):
            for position, file in enumerate(entry.files):
                parts = file.name.split("/")
                if any(part in ("", ".", "..") for part in parts) or _CONTROL.search(file.name):
                    message = f"the locked file {file.name[:80]!r} would lie outside of its folder"
                    path = ("spec", "entries", index, "files", position, "name")
                    hint = "run edgewright lock: no source writes such a name"
                    yield error_at(loaded, "lock-path-unsafe", message, path, hint=hint)
