"""Blobs by digest in one folder, laid out as OCI's image layout has them: `oci-layout` and `blobs/sha256/<hex>`.

Owns how a blob comes in. Must not know what one means. Invariants: the name of a blob is the digest of its content, it
appears whole and read-only, and it is never written twice.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from edgewright.kernel.digest import Digest, canonical_json, digest_bytes, digest_file, hex_of
from edgewright.kernel.files import link_or_copy, write_atomic

LAYOUT = canonical_json({"imageLayoutVersion": "1.0.0"})
_READ_ONLY = 0o444


class BlobFolder:
    """The blobs below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._blobs = root / "blobs" / "sha256"

    def prepare(self) -> None:
        """Make the folder and its OCI marker; done before the first write."""
        self._blobs.mkdir(parents=True, exist_ok=True)
        marker = self.root / "oci-layout"
        if not marker.exists():
            write_atomic(marker, LAYOUT)

    def path_of(self, digest: Digest) -> Path:
        """Where a blob is, whether it exists or not."""
        return self._blobs / hex_of(digest)

    def has(self, digest: Digest) -> bool:
        """Tell whether a blob exists; its content is not read."""
        return self.path_of(digest).is_file()

    def add_bytes(self, data: bytes) -> Digest:
        """Add a small blob."""
        digest = digest_bytes(data)
        if not self.has(digest):
            write_atomic(self.path_of(digest), data, mode=_READ_ONLY)
        return digest

    def add_file(self, source: Path, *, link: bool = False) -> tuple[Digest, int]:
        """Add a file's content, as a hard link if asked and possible; its digest and size.

        What is hashed is what was linked or copied, so a file that changes meanwhile cannot get a wrong name.
        """
        with tempfile.TemporaryDirectory(dir=self._blobs, prefix=".new-") as scratch:
            new = Path(scratch) / "blob"
            if link:
                link_or_copy(source, new)
            else:
                shutil.copyfile(source, new)
            digest, size = digest_file(new), new.stat().st_size
            if not self.has(digest):
                if not link:
                    new.chmod(_READ_ONLY)
                new.replace(self.path_of(digest))
        return digest, size
