"""The archive of evidence: signed statements and what they bind, kept by digest beside the ledger.

Owns the folder. Must not know roll-outs. Invariants: a file's name is the digest of its content, checked whenever it is
read; what is there is never written again; nothing larger than a document is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgewright.kernel.diagnostics import fail
from edgewright.kernel.digest import Digest, digest_bytes, hex_of
from edgewright.kernel.files import read_bounded, write_atomic
from edgewright.package.oci import LARGEST_DOCUMENT_BYTES

FILES: Mapping[str, str] = {
    "statement": "statement.json",
    "signature": "statement.json.sig",
    "provenance": "provenance.json",
    "test_results": "test-results.json",
}
"""What is kept of a release: its name in the ledger, and its file in `evidence/`. The trusted signers come with it."""


@dataclass(frozen=True, slots=True)
class EvidenceArchive:
    """The archive in a folder, which is made when something is first kept."""

    folder: Path

    @staticmethod
    def beside(ledger: Path) -> EvidenceArchive:
        """The archive that belongs to a ledger."""
        return EvidenceArchive(ledger.parent / "evidence")

    def keep(self, data: bytes) -> Digest:
        """Keep a document; returns the digest it is found by."""
        digest = digest_bytes(data)
        path = self._path(digest)
        if not path.is_file() or path.stat().st_size != len(data):
            write_atomic(path, data, mode=0o444)
        return digest

    def keep_release(self, dist: Path, signers: bytes) -> dict[str, Digest]:
        """Keep what vouches for the release in `dist/<blueprint>`, and who was trusted to sign it at that time."""
        kept = {
            name: self.keep(read_bounded(dist / "evidence" / file, LARGEST_DOCUMENT_BYTES))
            for name, file in FILES.items()
        }
        return {**kept, "signers": self.keep(signers)}

    def read(self, digest: Digest) -> bytes:
        """A kept document; one that is gone is `evidence-missing`, one with other content `evidence-tampered`."""
        path = self._path(digest)
        try:
            data = read_bounded(path, LARGEST_DOCUMENT_BYTES)
        except (FileNotFoundError, NotADirectoryError):
            raise fail(
                "evidence-missing",
                f"{digest} is not in {self.folder}",
                subject=str(path),
                hint="restore the folder from a backup; it belongs to the ledger beside it",
            ) from None
        found = digest_bytes(data)
        if found != digest:
            raise fail(
                "evidence-tampered",
                f"{path.name} has the content of {found}",
                subject=str(path),
                hint="restore the file from a backup, and find out who changed it",
            )
        return data

    def _path(self, digest: Digest) -> Path:
        return self.folder / "sha256" / hex_of(digest)
