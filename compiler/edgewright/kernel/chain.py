"""A hash chain over rows: each row's digest covers the row and the digest before it.

Owns the one form of a link. Must not know a database. Invariant: a changed, added or missing row changes the digest of
every row after it.
"""

from __future__ import annotations

from collections.abc import Sequence

from edgewright.kernel.digest import Digest, digest_json

START: Digest = "sha256:" + "0" * 64
"""What stands before the first row."""


def link(previous: Digest, row: Sequence[str | int | None]) -> Digest:
    """The digest of a row that follows `previous`."""
    return digest_json([previous, *row])
