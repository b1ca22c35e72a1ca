"""Who may sign for a fleet: the file `allowed_signers` of the fleet repository, reviewed like everything else in Git.

A release brings a list of its own; that shows that the release is whole, never that the right person signed it. What a
controller rolls out and what a device accepts is held to the repository's list.
"""

from __future__ import annotations

from pathlib import Path

from edgewright.check.signers import FILE, LARGEST_BYTES, has_file
from edgewright.kernel.diagnostics import ExitCode, fail
from edgewright.kernel.files import read_bounded
from edgewright.package.signing import Signer


def trusted_signers(repository: Path, *, signer: Signer | None = None) -> bytes:
    """The repository's list, in the format of ssh-keygen(1). `signer` is only used to say which line is missing."""
    path = repository / FILE
    if not has_file(repository):
        line = signer.allowed_signers.decode().strip() if signer else 'NAME namespaces="edgewright-release" PUBLIC-KEY'
        raise fail(
            "signers-missing",
            f"{path} does not exist: nobody is trusted to sign for this fleet",
            exit_code=ExitCode.MISSING,
            subject=str(path),
            hint=f"write and commit it, one signer a line: {line}",
        )
    return read_bounded(path, LARGEST_BYTES)


def require_trusted(repository: Path, signer: Signer) -> None:
    """Refuse early to compile with a key that no device of the fleet would accept."""
    if signer.public_key.encode() not in trusted_signers(repository, signer=signer):
        raise fail(
            "signer-unknown",
            f"{signer.key} is not among the signers of {repository / FILE}",
            exit_code=ExitCode.MISSING,
            subject=str(signer.key),
            hint=f"sign with a key of that file, or add and commit: {signer.allowed_signers.decode().strip()}",
        )
