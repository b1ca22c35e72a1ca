"""Nobody signs with a key that can be broken."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.signers import FILE, read_signers
from edgewright.check.whole import Whole
from edgewright.kernel.diagnostics import Diagnostic, Span

_LEAST_RSA_BITS = 2048
"""NIST SP 800-131A Rev. 2: shorter RSA keys are not for signatures."""


def check(whole: Whole) -> Iterator[Diagnostic]:
    """DSA keys, which OpenSSH no longer accepts, and short RSA keys."""
    for line in read_signers(whole.repository.root):
        is_short = line.rsa_bits is not None and line.rsa_bits < _LEAST_RSA_BITS
        if line.key_type == "ssh-dss" or is_short:
            span = Span(FILE, line.number, 1, line.number, max(2, line.width + 1))
            what = f"an RSA key of {line.rsa_bits} bits, {_LEAST_RSA_BITS} needed" if is_short else "a DSA key"
            message = f"line {line.number} of {FILE} has {what}"
            yield Diagnostic("signers-weak", message, span=span, hint="make a new one: ssh-keygen -t ed25519")
