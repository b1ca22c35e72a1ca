"""Lock: digests of everything a blueprint names. Written by `edgewright lock`, reviewed like code."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from edgewright.kernel.digest import Digest, digest_json
from edgewright.spec.base import Metadata, Model, Name

LockedDigest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
EntryKind = Literal["model", "dataset", "runtime", "tool"]


class LockedFile(Model):
    """One file of an entry: a safe relative name, its digest and size."""

    name: str = Field(max_length=1024)
    digest: LockedDigest
    size: int = Field(ge=0)
    license: str | None = Field(default=None, max_length=200, description="SPDX expression that the file states")
    license_note: str | None = Field(default=None, max_length=200, description="why no licence is known for certain")


class LockEntry(Model):
    """One thing that a blueprint names. `request` is what was asked for; `files` are what it resolved to."""

    kind: EntryKind
    name: str = Field(max_length=256)
    request: dict[str, object]
    license: str | None = Field(default=None, max_length=200, description="SPDX expression")
    license_note: str | None = Field(default=None, max_length=200, description="why no licence is known for certain")
    files: tuple[LockedFile, ...] = Field(min_length=1)
    content_digest: LockedDigest | None = Field(default=None, description="of all the rest of this entry")

    @property
    def own_digest(self) -> Digest:
        """Digest of everything in the entry but `contentDigest`, which equals it unless a person edited the entry."""
        return digest_json(self.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"content_digest"}))

    def sealed(self) -> LockEntry:
        """The entry with its `contentDigest`."""
        return self.model_copy(update={"content_digest": self.own_digest})


class LockSpec(Model):
    """The entries, sorted by kind and name."""

    blueprint: Name
    entries: tuple[LockEntry, ...]


class Lock(Model):
    """The lock of one blueprint: `<blueprint>.lock.yaml` beside it."""

    api_version: Literal["edgewright/v1beta1"]
    kind: Literal["Lock"]
    metadata: Metadata
    spec: LockSpec
