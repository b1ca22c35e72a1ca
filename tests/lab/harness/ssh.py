"""Owns: how the lab logs in: one key for the lab, a host key for each host, known_hosts that is always checked.

Must not know: disks, namespaces. Invariants: a host key that is not the expected one is an error, never a question.
"""

from __future__ import annotations

import shlex
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab.harness.command import LabError, command


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command on a host said."""

    returncode: int
    stdout: str
    stderr: str


def make_key(path: Path, comment: str) -> tuple[str, str]:
    """A new ed25519 key pair at path: private text, public line."""
    for old in (path, path.with_suffix(".pub")):
        old.unlink(missing_ok=True)
    command(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)])
    return path.read_text(), path.with_suffix(".pub").read_text()


@dataclass(frozen=True, slots=True)
class Login:
    """One way into one address."""

    address: str
    user: str
    identity_file: Path
    known_hosts: Path

    def argv(self, remote: Sequence[str]) -> list[str]:
        """The ssh command line; every word of `remote` arrives as one word."""
        options = {
            "BatchMode": "yes",
            "ConnectTimeout": "10",
            "GlobalKnownHostsFile": "/dev/null",
            "IdentitiesOnly": "yes",
            "LogLevel": "ERROR",
            "ServerAliveCountMax": "3",
            "ServerAliveInterval": "3",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": str(self.known_hosts),
        }
        flags = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        target = f"{self.user}@{self.address}"
        return ["ssh", "-F", "none", "-i", str(self.identity_file), *flags, target, "--", shlex.join(remote)]

    def run(self, remote: Sequence[str], *, stdin: str | None, timeout_s: float) -> Answer:
        """Run it to its end; ssh's own failure is returncode 255. Raises LabError after timeout_s."""
        try:
            done = subprocess.run(
                self.argv(remote), capture_output=True, text=True, timeout=timeout_s, check=False,
                **({"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}),
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise LabError(f"{self.address}: no end within {timeout_s:.0f} s: {shlex.join(remote)}") from error
        return Answer(done.returncode, done.stdout, done.stderr)


def is_answering(address: str) -> bool:
    """Whether an SSH server greets there."""
    try:
        with socket.create_connection((address, 22), timeout=2) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False
