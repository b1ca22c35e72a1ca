"""Signatures: `ssh-keygen -Y sign` and `-Y verify`, with the key and the list of signers that Git users already have.

Owns the finding of the key, the list of allowed signers and the wording when something is wrong with them. Adds no
cryptography. Invariants: a private key's content never passes through this process; a signature leaves only after it
was verified. With an Ed25519 or RSA key the same bytes give the same signature; ECDSA and hardware keys do not promise
that.
"""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from edgewright.kernel.diagnostics import EdgewrightError, ExitCode, fail
from edgewright.kernel.files import read_bounded
from edgewright.kernel.process import Finished, find_tool, run

NAMESPACE = "edgewright-release"
DEFAULT_PRINCIPAL = "edgewright"
KEY_VARIABLE = "EDGEWRIGHT_SIGNING_KEY"
_TIMEOUT_S = 60.0
_LARGEST_KEY_BYTES = 64 * 1024
_PUBLIC_KEY = re.compile(r"((?:sk-)?(?:ssh|ecdsa)-[a-z0-9@.-]+) ([A-Za-z0-9+/]+=*)(?: .*)?")
_PRINCIPAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}")


@dataclass(frozen=True, slots=True)
class Signer:
    """A key to sign with. `key` is a private key file, or a public one whose private half an SSH agent holds."""

    key: Path
    public_key: str
    principal: str = DEFAULT_PRINCIPAL

    @property
    def allowed_signers(self) -> bytes:
        """The line that lets this key sign releases, and nothing else (ssh-keygen(1), ALLOWED SIGNERS)."""
        return f'{self.principal} namespaces="{NAMESPACE}" {self.public_key}\n'.encode()

    def sign(self, data: bytes) -> bytes:
        """The armoured signature of `data`, verified before it is returned."""
        tool = find_tool("ssh-keygen", needed_for="sign releases")
        argv = [tool, "-Y", "sign", "-q", "-n", NAMESPACE, "-f", str(self.key)]
        finished = run(argv, timeout_s=_TIMEOUT_S, env=_environment(), stdin=data)
        if finished.returncode != 0 or not finished.stdout.startswith(b"-----BEGIN SSH SIGNATURE-----"):
            raise _signing_failed(self.key, finished)
        verify_signature(data, finished.stdout, self.allowed_signers)
        return finished.stdout


def find_signer(option: Path | None = None, *, principal: str = DEFAULT_PRINCIPAL) -> Signer:
    """The signer of `option`, else of EDGEWRIGHT_SIGNING_KEY; asked for early, so that nothing is built in vain."""
    if _PRINCIPAL.fullmatch(principal) is None:
        raise fail(
            "principal-invalid", f"{principal[:80]!r} is not a plain name for a signer", exit_code=ExitCode.USAGE
        )
    named = str(option) if option is not None else os.environ.get(KEY_VARIABLE, "")
    if not named:
        raise _missing_key("no key is named")
    key = Path(named).expanduser().absolute()
    if not key.is_file():
        raise _missing_key(f"{key} does not exist")
    find_tool("ssh-keygen", needed_for="sign releases")
    if key.suffix != ".pub":
        _check_permissions(key)
    return Signer(key, _public_key(key), principal)


def verify_signature(data: bytes, signature: bytes, allowed_signers: bytes) -> str:
    """Hold a signature to the list of signers, and name the principal that made it; else `signature-invalid`."""
    tool = find_tool("ssh-keygen", needed_for="verify signatures")
    with tempfile.TemporaryDirectory(prefix="edgewright-") as scratch:
        signers, detached = Path(scratch, "allowed_signers"), Path(scratch, "signature")
        signers.write_bytes(allowed_signers)
        detached.write_bytes(signature)
        where = ["-s", str(detached), "-f", str(signers)]
        found = run([tool, "-Y", "find-principals", *where], timeout_s=_TIMEOUT_S, env=_environment())
        principals = found.stdout.decode(errors="replace").split()
        if found.returncode != 0 or not principals:
            raise _invalid_signature(found)
        argv = [tool, "-Y", "verify", "-n", NAMESPACE, "-I", principals[0], *where]
        verified = run(argv, timeout_s=_TIMEOUT_S, env=_environment(), stdin=data)
    if verified.returncode != 0:
        raise _invalid_signature(verified)
    return principals[0]


def _environment() -> dict[str, str]:
    kept = ("PATH", "HOME", "SSH_AUTH_SOCK", "SSH_ASKPASS", "SSH_ASKPASS_REQUIRE", "SSH_SK_PROVIDER", "DISPLAY")
    return {**{name: os.environ[name] for name in kept if name in os.environ}, "LC_ALL": "C"}


def _check_permissions(key: Path) -> None:
    status = key.stat()
    if status.st_mode & 0o077:
        raise fail(
            "signing-key-permissions",
            f"{key} may be read by others (mode {status.st_mode & 0o777:04o}, 0600 allowed)",
            exit_code=ExitCode.MISSING,
            subject=str(key),
            hint=f"chmod 600 {key}",
        )
    if not os.access(key, os.R_OK):
        raise fail(
            "signing-key-permissions",
            f"{key} may not be read by you",
            exit_code=ExitCode.MISSING,
            subject=str(key),
            hint="sign as the user whose key it is",
        )


def _public_key(key: Path) -> str:
    """Type and base64 of the public half: from the file beside the key, else derived from it."""
    beside = key if key.suffix == ".pub" else key.with_name(key.name + ".pub")
    if beside.is_file():
        text = read_bounded(beside, _LARGEST_KEY_BYTES).decode(errors="replace")
    else:
        tool = find_tool("ssh-keygen", needed_for="sign releases")
        # An empty passphrase is given on purpose: without it ssh-keygen would ask a terminal that is not there.
        finished = run([tool, "-y", "-P", "", "-f", str(key)], timeout_s=_TIMEOUT_S, env=_environment())
        if finished.returncode != 0:
            raise _signing_failed(key, finished)
        text = finished.stdout.decode(errors="replace")
    match = _PUBLIC_KEY.fullmatch(text.strip())
    if match is None:
        raise fail(
            "signing-key-invalid",
            f"{beside} is not an SSH public key",
            exit_code=ExitCode.MISSING,
            subject=str(beside),
            hint=f"ssh-keygen -y -f {key} > {key}.pub writes it anew",
        )
    return f"{match[1]} {match[2]}"


def _missing_key(reason: str) -> EdgewrightError:
    return fail(
        "signing-key-missing",
        f"no signing key: {reason}; a release is always signed",
        exit_code=ExitCode.MISSING,
        subject=KEY_VARIABLE,
        hint=f"ssh-keygen -t ed25519 -N '' -C edgewright -f edgewright-key, keep it out of Git, "
        f"then export {KEY_VARIABLE}=$PWD/edgewright-key (or pass --signing-key)",
    )


def _signing_failed(key: Path, finished: Finished) -> EdgewrightError:
    said = finished.stderr.decode(errors="replace").strip()
    if "passphrase" in said or "agent" in said or "No private key found" in said:
        return fail(
            "signing-key-locked",
            f"{key} cannot be used: it has a passphrase, or its agent does not hold it",
            exit_code=ExitCode.MISSING,
            subject=str(key),
            notes=tuple(said.splitlines()[-2:]),
            hint="add it to an SSH agent first (ssh-add); the agent at SSH_AUTH_SOCK is used",
        )
    return fail(
        "signing-failed",
        f"ssh-keygen could not sign with {key}" + (f" in {_TIMEOUT_S:.0f} s" if finished.timed_out else ""),
        exit_code=ExitCode.MISSING,
        subject=str(key),
        notes=tuple(line[:300] for line in said.splitlines()[-3:]),
        hint="check that the file is an OpenSSH private key",
    )


def _invalid_signature(finished: Finished) -> EdgewrightError:
    said = (finished.stdout + finished.stderr).decode(errors="replace").strip().splitlines()
    return fail(
        "signature-invalid",
        f"statement.json is not signed by an allowed signer for {NAMESPACE}",
        subject="statement.json",
        notes=(said[-1][:300],) if said else (),
        hint="the statement was changed after signing, or its key is not in allowed_signers",
    )
