"""Signatures of commits: who signed one, held to a list of signers that the caller trusts.

Only SSH signatures are verified; the list must come from a trusted side (the base branch, the controller), never from
the commit that it judges. As git does it, a key's validity is judged at the commit's own time.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from edgewright.kernel.process import find_tool
from edgewright.load.git.command import git, git_failed, require_git
from edgewright.load.git.commits import Commit


class SignatureStatus(StrEnum):
    """What a commit's signature is worth. Only `good` is good."""

    GOOD = "good"
    UNSIGNED = "unsigned"
    UNKNOWN_KEY = "unknown-key"
    BAD = "bad"
    EXPIRED = "expired"
    UNSUPPORTED = "unsupported"


_STATUS = {
    "G": SignatureStatus.GOOD,
    "U": SignatureStatus.UNKNOWN_KEY,
    "B": SignatureStatus.BAD,
    "N": SignatureStatus.UNSIGNED,
    "X": SignatureStatus.EXPIRED,
    "Y": SignatureStatus.EXPIRED,
    "R": SignatureStatus.BAD,
}


@dataclass(frozen=True, slots=True)
class CommitSignature:
    """A verdict: the principal of the list and the key's fingerprint when the signature is good."""

    status: SignatureStatus
    principal: str | None = None
    key: str | None = None

    @property
    def is_good(self) -> bool:
        """Signed by somebody of the list."""
        return self.status is SignatureStatus.GOOD


def verify_commit(root: Path, commit: Commit, allowed_signers: bytes) -> CommitSignature:
    """Verify a commit's SSH signature against `allowed_signers` (the bytes of such a file, ssh-keygen(1))."""
    folder = require_git(root)
    signature = _format(git(folder, "cat-file", "commit", commit.id).stdout)
    if signature is None:
        return CommitSignature(SignatureStatus.UNSIGNED)
    if signature != "ssh":
        return CommitSignature(SignatureStatus.UNSUPPORTED)
    program = find_tool("ssh-keygen", needed_for="verify signatures")
    with tempfile.TemporaryDirectory(prefix="edgewright-") as scratch:
        signers = Path(scratch, "allowed_signers")
        signers.write_bytes(allowed_signers)
        options = (f"gpg.ssh.allowedSignersFile={signers}", f"gpg.ssh.program={program}", "gpg.ssh.revocationFile=")
        words = [word for option in options for word in ("-c", option)]
        shown = git(folder, *words, "log", "-1", "--no-walk", "--no-mailmap", "--format=%G?%x00%GS%x00%GF", commit.id)
    if shown.returncode != 0:
        raise git_failed(folder, f"verify the signature of {commit.short_id}", shown)
    letter, principal, key = shown.stdout.decode(errors="replace").rstrip("\n").split("\0")
    status = _STATUS.get(letter, SignatureStatus.BAD)
    if status is not SignatureStatus.GOOD:
        return CommitSignature(status, key=key or None)
    return CommitSignature(status, principal, key)


def _format(commit: bytes) -> str | None:
    """Which kind of signature a commit carries, if any."""
    for line in commit.partition(b"\n\n")[0].split(b"\n"):
        if line.startswith((b"gpgsig ", b"gpgsig-sha256 ")):
            return "ssh" if line.endswith(b"-----BEGIN SSH SIGNATURE-----") else "other"
    return None
