"""Deciding whether a release may come onto this device.

Owns: the signature check (`ssh-keygen -Y verify`, no cryptography of ours) and the policy: blueprint, fleet, target,
architecture, expiry, release number, quarantine. Must not copy or switch anything.

Invariants: documents are read once, into memory, and exactly those bytes are verified and used; the signature is
checked before the first byte of a statement is interpreted.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from edgewright.device.documents import read_capped
from edgewright.device.layout import Layout
from edgewright.device.options import Options
from edgewright.device.refusal import Missing, Refusal
from edgewright.device.release import Release, Statement, parse_manifest, parse_statement
from edgewright.device.state import State, timestamp

NAMESPACE = "edgewright-release"
STATEMENT_CAP_BYTES = 8 * 2**20
SIGNATURE_CAP_BYTES = 64 * 1024
MANIFEST_CAP_BYTES = 8 * 2**20
SIGNERS_CAP_BYTES = 2**20
CLOCK_TOLERANCE_S = 86_400.0
"""How far a device's clock may be behind the signer's before its idea of "expired" is not believed."""
SSH_KEYGEN_TIMEOUT_S = 60


@dataclass(frozen=True)
class Documents:
    """The three signed documents of a release, as bytes."""

    statement: bytes
    signature: bytes
    manifest: bytes


def read_documents(folder: Path) -> Documents:
    """Read the documents of a release folder, incoming or installed."""
    return Documents(
        statement=read_capped(folder / "statement.json", STATEMENT_CAP_BYTES, "statement-invalid"),
        signature=read_capped(folder / "statement.json.sig", SIGNATURE_CAP_BYTES, "signature-invalid"),
        manifest=read_capped(folder / "manifest.json", MANIFEST_CAP_BYTES, "manifest-mismatch"),
    )


def verify_signature(documents: Documents, allowed_signers: Path, principal: str) -> None:
    """Refuse `signature-invalid` unless one of the allowed signers signed exactly these bytes."""
    tool = shutil.which("ssh-keygen")
    if tool is None:
        raise Missing("tool-missing", "ssh-keygen is not on this host", hint="install the OpenSSH client")
    _require_signers(allowed_signers)
    with tempfile.NamedTemporaryFile(prefix="edgewright-", suffix=".sig") as signature:
        signature.write(documents.signature)
        signature.flush()
        command = [tool, "-Y", "verify", "-f", str(allowed_signers), "-I", principal]
        command += ["-n", NAMESPACE, "-s", signature.name]
        try:
            done = subprocess.run(
                command,
                input=documents.statement,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
                timeout=SSH_KEYGEN_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Refusal("signature-invalid", f"ssh-keygen gave no answer in {SSH_KEYGEN_TIMEOUT_S} s") from None
    if done.returncode != 0:
        said = done.stdout.decode("utf-8", "replace").strip().splitlines()
        reason = said[-1][:200] if said else "no reason given"
        raise Refusal(
            "signature-invalid",
            f"statement.json is not signed by {principal} for {NAMESPACE}: {reason}",
            hint=f"sign with a key that {allowed_signers} lists",
        )


def _require_signers(path: Path) -> None:
    try:
        read_capped(path, SIGNERS_CAP_BYTES, "signers-missing")
    except Refusal as refusal:  # nothing is wrong with the release: whom to trust is what this host lacks
        raise Missing(refusal.slug, refusal.message, hint=refusal.hint) from None


def check_policy(statement: Statement, options: Options, state: State, now_wall: float) -> None:
    """Refuse a validly signed release that is not for this device, or not for now."""
    check_addressee(statement, options)
    check_time(statement, now_wall)
    check_order(statement.release, state)
    check_denied(statement.release, state)


def check_addressee(statement: Statement, options: Options) -> None:
    """Refuse a release of another blueprint or fleet (another target was refused while parsing)."""
    if statement.blueprint != options.blueprint:
        raise Refusal(
            "release-for-other-blueprint",
            f"the release is of blueprint {statement.blueprint}, this device runs {options.blueprint} here",
        )
    if statement.fleet != options.fleet:
        raise Refusal(
            "release-for-other-fleet",
            f"the release is for fleet {statement.fleet[:80]}, this device is in {options.fleet}",
        )


def check_time(statement: Statement, now_wall: float) -> None:
    """Refuse an expired release, and to judge at all with a clock from before the release was made."""
    if now_wall < statement.created_wall - CLOCK_TOLERANCE_S:
        raise Refusal(
            "clock-behind",
            f"this device's clock says {timestamp(now_wall)}, the release was made {timestamp(statement.created_wall)}",
            hint="set the clock",
        )
    if now_wall >= statement.expires_wall:
        raise Refusal(
            "release-expired",
            f"release {statement.release} expired {timestamp(statement.expires_wall)}, it is {timestamp(now_wall)}",
            hint="sign it again with a later expiry",
        )


def check_order(release: int, state: State) -> None:
    """Refuse what is older than anything this device ever confirmed."""
    if release < state.highest_confirmed:
        raise Refusal(
            "release-older",
            f"release {release} is older than {state.highest_confirmed}, which this device confirmed",
            hint="use rollback to go back to the release before",
        )


def check_denied(release: int, state: State) -> None:
    """Refuse a release that is quarantined here."""
    why = state.denied.get(release)
    if why is not None:
        raise Refusal(
            "release-denied",
            f"release {release} is denied on this device since {why.get('at')}: {why.get('message')}",
            hint=f"after the cause is gone: lift --release {release}",
        )


def verify_release(layout: Layout, options: Options, state: State, folder: Path) -> tuple[Release, Documents]:
    """The verified release whose documents are in `folder`. The whole chain: signature, statement, policy, manifest."""
    documents = read_documents(folder)
    release = _authentic(layout, options, documents)
    check_policy(release.statement, options, state, time.time())
    return release, documents


def verify_installed(layout: Layout, options: Options, number: int) -> Release:
    """A staged release, authentic still; no policy, because going back to a confirmed release must never expire."""
    release = _authentic(layout, options, read_documents(layout.release(number)))
    if release.number != number:
        raise Refusal("statement-invalid", f"releases/{number} holds release {release.number}")
    return release


def _authentic(layout: Layout, options: Options, documents: Documents) -> Release:
    verify_signature(documents, layout.allowed_signers, options.principal)
    statement = parse_statement(documents.statement, options.target)
    return Release(statement, parse_manifest(documents.manifest, statement, options.target))


def same_release(layout: Layout, release: Release) -> bool:
    """Whether releases/<n> already holds exactly this release."""
    with contextlib.suppress(OSError, Refusal):
        installed = read_capped(
            layout.release(release.number) / "manifest.json", MANIFEST_CAP_BYTES, "manifest-mismatch"
        )
        return hashlib.sha256(installed).hexdigest() == release.statement.manifest_hex
    return False
