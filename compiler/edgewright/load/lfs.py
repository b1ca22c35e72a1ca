"""Git LFS pointers: the short text that Git has of a file whose content Git LFS keeps elsewhere.

Pure. Fetches nothing: what a pointer stands for is known by digest and size only.
"""

from __future__ import annotations

START = b"version https://git-lfs.github.com/spec/v1\n"
"""First line of a pointer, by the specification of Git LFS."""
LARGEST_POINTER_BYTES = 1024
"""By the same: a pointer is shorter than this, so a longer file is none."""


def is_pointer(head: bytes) -> bool:
    """Whether a file's first bytes are those of a pointer."""
    return head.startswith(START)


def pointer_of(data: bytes) -> tuple[str, int] | None:
    """SHA-256 and size of the content that a pointer stands for; None when the text is no pointer."""
    if len(data) > LARGEST_POINTER_BYTES or not is_pointer(data):
        return None
    fields = dict(line.partition(" ")[::2] for line in data.decode(errors="replace").splitlines())
    kind, _, digest = fields.get("oid", "").partition(":")
    size = fields.get("size", "")
    return (digest, int(size)) if kind == "sha256" and size.isdecimal() and len(size) < 20 else None
