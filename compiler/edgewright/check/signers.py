"""The file `allowed_signers` of a fleet repository, line by line, as ssh-keygen(1) reads it.

Owns the reading of principals, options, key type and key. Verifies nothing. Invariants: at most 64 KiB are read, links
are not followed, and no part of a private key is ever returned.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path

FILE = "allowed_signers"
LARGEST_BYTES = 64 * 1024
_KEY = re.compile(
    r"(?:^|[ \t])((?:sk-)?(?:ssh|ecdsa)-[a-z0-9@.-]{1,60})[ \t]{1,8}([A-Za-z0-9+/]{1,8000}={0,2})(?=[ \t]|$)"
)


@dataclass(frozen=True, slots=True)
class SignerLine:
    """One line with something in it: who, which key; or what is wrong."""

    number: int
    width: int
    principals: tuple[str, ...] = ()
    key_type: str = ""
    rsa_bits: int | None = None
    problem: str | None = None


def has_file(root: Path) -> bool:
    """Whether the repository has the file, as a regular one."""
    path = root / FILE
    return path.is_file() and not path.is_symlink()


def stands_in_the_way(root: Path) -> bool:
    """Whether something else has the name of the file: a link, a folder, a pipe."""
    return os.path.lexists(root / FILE) and not has_file(root)


def read_signers(root: Path) -> tuple[SignerLine, ...]:
    """The lines that are neither empty nor comments; none when there is no file."""
    if not has_file(root):
        return ()
    with (root / FILE).open("rb") as stream:
        text = stream.read(LARGEST_BYTES).decode("utf-8", errors="replace")
    lines = ((number, line.strip()) for number, line in enumerate(text.split("\n"), start=1))
    return tuple(_read(number, line) for number, line in lines if line and not line.startswith("#"))


def _read(number: int, line: str) -> SignerLine:
    width = len(line)
    if "PRIVATE KEY" in line:
        return SignerLine(number, width, problem="is a private key: make a new one, this one is public now")
    found = _KEY.search(line)
    if found is None:
        return SignerLine(number, width, problem="has no public key of a type that OpenSSH knows")
    key_type, encoded = found.groups()
    try:
        blob = base64.b64decode(encoded, validate=True)
        parts = _parts(blob)
    except (binascii.Error, ValueError, struct.error):
        parts = []
    if not parts or parts[0] != key_type.encode():
        return SignerLine(number, width, problem=f"has a {key_type} key that is cut off or damaged")
    names = line[: found.start()].strip().split(" ", 1)[0].strip('"')
    if not names:
        return SignerLine(number, width, problem="does not say whose key it is")
    bits = int.from_bytes(parts[2], "big").bit_length() if key_type == "ssh-rsa" and len(parts) > 2 else None
    return SignerLine(number, width, tuple(names.split(",")), key_type, bits)


def _parts(blob: bytes) -> list[bytes]:
    """The fields of a public key: each a length of four bytes and so many bytes (RFC 4253, section 6.6)."""
    parts = []
    position = 0
    while position < len(blob):
        (length,) = struct.unpack_from(">I", blob, position)
        position += 4 + length
        if position > len(blob):
            raise ValueError("a field is longer than what is left")
        parts.append(blob[position - length : position])
    return parts
