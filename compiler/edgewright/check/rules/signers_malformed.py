"""`allowed_signers` is a file, and every line of it is a signer."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.signers import FILE, read_signers, stands_in_the_way
from edgewright.check.whole import Whole
from edgewright.kernel.diagnostics import Diagnostic, Span


def check(whole: Whole) -> Iterator[Diagnostic]:
    """Lines that ssh-keygen(1) would skip or refuse; a private key is told as such."""
    if stands_in_the_way(whole.repository.root):
        message = f"{FILE} is a link, a folder or a pipe; nothing but a regular file is read"
        yield Diagnostic("signers-malformed", message, subject=FILE, hint="write the list into a file of that name")
    for line in read_signers(whole.repository.root):
        if line.problem is not None:
            span = Span(FILE, line.number, 1, line.number, max(2, line.width + 1))
            hint = 'one signer a line: NAME namespaces="edgewright-release" ssh-ed25519 AAAA…'
            message = f"line {line.number} of {FILE} {line.problem}"
            yield Diagnostic("signers-malformed", message, span=span, hint=hint)
