"""If a repository says who may sign, somebody may."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.signers import FILE, has_file, read_signers
from edgewright.check.whole import Whole
from edgewright.kernel.diagnostics import Diagnostic, Severity, Span


def check(whole: Whole) -> Iterator[Diagnostic]:
    """`allowed_signers` without a single key."""
    root = whole.repository.root
    if has_file(root) and not read_signers(root):
        message = f"{FILE} names 0 signers: every device would refuse every release"
        hint = 'write NAME namespaces="edgewright-release" and a public key into it'
        # a warning: a new repository has no key yet, and nothing can be released without one
        span = Span(FILE, 1, 1, 1, 1)
        yield Diagnostic("signers-empty", message, span=span, hint=hint, severity=Severity.WARNING)
