"""No private key lies in the repository."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from edgewright.check.placed import Finding, report
from edgewright.check.whole import Whole
from edgewright.kernel.diagnostics import Diagnostic


def check(whole: Whole) -> Iterator[Diagnostic]:
    """`identityFile` of every device: a path below the repository's root would be committed."""
    yield from report(whole, "identity-in-repository", _committed(whole))


def _committed(whole: Whole) -> Iterator[Finding]:
    root, told = whole.repository.root, set[str]()
    hint = "keep it outside, such as in /etc/edgewright, and make a new key if this one was ever committed"
    for placed in whole.placed:
        file = placed.device.connection.identity_file
        if file is not None and file not in told:
            told.add(file)
            if Path(file).is_relative_to(root):
                message = (
                    f"identityFile of {placed.device.name} is inside the repository: a private key in Git is public"
                )
                yield Finding(placed, message, hint, ("connection", "identityFile"))
