"""No private key lies in the repository."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from edgewright.check.rule import error_at
from edgewright.check.whole import Whole
from edgewright.kernel.diagnostics import Diagnostic


def check(whole: Whole) -> Iterator[Diagnostic]:
    """`identityFile` of every device: a path below the repository's root would be committed."""
    root = whole.repository.root
    told: set[str] = set()
    for placed in whole.placed:
        file = placed.device.connection.identity_file
        if file is not None and file not in told and Path(file).is_relative_to(root):
            told.add(file)
            message = f"identityFile of {placed.device.name} is inside the repository: a private key in Git is public"
            hint = "keep it outside, such as in /etc/edgewright, and make a new key if this one was ever committed"
            path = (*placed.path, "connection", "identityFile")
            yield error_at(placed.fleet, "identity-in-repository", message, path, hint=hint)
