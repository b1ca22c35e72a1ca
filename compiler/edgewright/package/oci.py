"""The OCI image layout of a release: blobs by digest, and the index that names its manifests.

Owns the folder's format (OCI image-spec 1.1, image-layout). Must not know what a blob means. Invariant: equal content
gives equal bytes, so that two layouts of the same release are the same files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgewright.kernel.blobs import BlobFolder
from edgewright.kernel.diagnostics import EdgewrightError, fail
from edgewright.kernel.digest import Digest, canonical_json, digest_bytes, digest_file
from edgewright.kernel.files import read_bounded, write_atomic
from edgewright.package.strict_json import parse_object

INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
LARGEST_DOCUMENT_BYTES = 8 * 2**20


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A blob as OCI describes it."""

    media_type: str
    digest: Digest
    size: int

    def as_json(self, **more: Any) -> dict[str, Any]:
        """The descriptor as a JSON value, with further members."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size, **more}


class OciLayout(BlobFolder):
    """One layout in one folder."""

    def add_document(self, data: bytes, media_type: str) -> Descriptor:
        """Add a small blob."""
        return Descriptor(media_type, self.add_bytes(data), len(data))

    def add_layer(self, source: Path, media_type: str) -> Descriptor:
        """Add a file's content as a hard link where the file system allows it."""
        digest, size = self.add_file(source, link=True)
        return Descriptor(media_type, digest, size)

    def write_index(self, manifests: Sequence[Mapping[str, Any]], annotations: Mapping[str, str]) -> None:
        """Write `index.json`, which makes the layout complete."""
        index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": manifests, "annotations": annotations}
        write_atomic(self.root / "index.json", canonical_json(index))

    def read_index(self) -> dict[str, Any]:
        """The index; a layout that is none, or of another version, is `layout-invalid`."""
        marker = self._document(self.root / "oci-layout")
        if marker.get("imageLayoutVersion") != "1.0.0":
            raise _invalid(self.root, "oci-layout does not say version 1.0.0")
        index = self._document(self.root / "index.json")
        if index.get("schemaVersion") != 2 or not isinstance(index.get("manifests"), list):
            raise _invalid(self.root, "index.json is not an image index")
        return index

    def read_json(self, digest: Digest) -> dict[str, Any]:
        """A small JSON blob, verified."""
        path = self.path_of(digest)
        data = self._bytes(path)
        if digest_bytes(data) != digest:
            raise tampered(path, digest, digest_bytes(data))
        return parse_object(data, str(path), "layout-invalid")

    def verify(self, digest: Digest, size: int, *, deep: bool = True) -> None:
        """Hold a blob to its size and, with `deep`, to its digest: `blob-missing` or `blob-tampered`."""
        path = self.path_of(digest)
        with suppress(FileNotFoundError):
            found = path.stat().st_size
            if found != size:
                raise tampered(path, f"{digest}, {size} bytes", f"{found} bytes")
            if deep and digest_file(path) != digest:
                raise tampered(path, digest, digest_file(path))
            return
        raise _missing(path)

    def _document(self, path: Path) -> dict[str, Any]:
        return parse_object(self._bytes(path), str(path), "layout-invalid")

    def _bytes(self, path: Path) -> bytes:
        try:
            return read_bounded(path, LARGEST_DOCUMENT_BYTES)
        except FileNotFoundError:
            raise _missing(path) from None


def tampered(path: Path, expected: str, found: str) -> EdgewrightError:
    """The diagnostic for a file whose content is not what the release was signed for."""
    return fail(
        "blob-tampered",
        f"{path.name} is not what was signed",
        subject=str(path),
        notes=(f"expected {expected}", f"found    {found}"),
        hint="remove it and run `edgewright package` again; find out who changed it",
    )


def _missing(path: Path) -> EdgewrightError:
    return fail("blob-missing", f"{path} is missing", subject=str(path), hint="run `edgewright package` again")


def _invalid(path: Path, reason: str) -> EdgewrightError:
    return fail("layout-invalid", f"{path} is no OCI image layout: {reason}", subject=str(path))
