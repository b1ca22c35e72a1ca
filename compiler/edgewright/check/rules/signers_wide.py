"""A key signs for the people it belongs to."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.signers import FILE, read_signers
from edgewright.check.whole import Whole
from edgewright.kernel.diagnostics import Diagnostic, Severity, Span


def check(whole: Whole) -> Iterator[Diagnostic]:
    """Principals with a wildcard, which stand for everybody whose name matches."""
    for line in read_signers(whole.repository.root):
        wide = next((name for name in line.principals if "*" in name or "?" in name), None)
        if wide is not None:
            span = Span(FILE, line.number, 1, line.number, max(2, line.width + 1))
            message = f"the principal {wide[:80]!r} lets this key sign under any name that matches"
            hint = "write the names that this key stands for"
            yield Diagnostic("signers-wide", message, span=span, hint=hint, severity=Severity.WARNING)
