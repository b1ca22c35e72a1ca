"""The view of a release: what was written or verified, as values that later stages read.

Owns the shape and the way from a digest to its blob. Knows nothing of how a release is written, signed or checked.
Invariant: a view is only made by `package_release` and `verify_release`, so whoever holds one holds a verified release.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from edgewright.kernel.diagnostics import fail
from edgewright.kernel.digest import Digest, hex_of

Role = Literal["artifact", "wheel", "agent"]


@dataclass(frozen=True, slots=True)
class Layer:
    """One file of a release on a device: where it goes below `releases/<n>/`, what it is, and its bytes by digest."""

    path: str
    role: Role
    digest: Digest
    size: int
    mode: int


@dataclass(frozen=True, slots=True)
class TargetRelease:
    """What the devices of one target get. `manifest` is the parsed OCI manifest, whose bytes have `manifest_digest`."""

    target: str
    manifest_digest: Digest
    manifest: Mapping[str, Any]
    layers: tuple[Layer, ...]
    backend: str
    recipe: str

    @property
    def size_bytes(self) -> int:
        """Bytes that a device without any blob must be given, each blob counted once."""
        return sum({layer.digest: layer.size for layer in self.layers}.values())


@dataclass(frozen=True, slots=True)
class ReleaseView:
    """A release in `dist/<blueprint>`: `release/` is the OCI layout, `evidence/` the signed statement and its company.

    `created` and `expires` are RFC 3339 in UTC. `principal` is the name in `allowed_signers` that signed.
    """

    path: Path
    blueprint: str
    version: str
    number: int
    created: str
    expires: str
    fleet: str
    principal: str
    targets: Mapping[str, TargetRelease]

    @property
    def layout(self) -> Path:
        """The OCI image layout."""
        return self.path / "release"

    @property
    def statement(self) -> Path:
        """The in-toto statement."""
        return self.path / "evidence" / "statement.json"

    @property
    def signature(self) -> Path:
        """The armoured SSH signature of the statement."""
        return self.path / "evidence" / "statement.json.sig"

    @property
    def allowed_signers(self) -> Path:
        """Who may sign, in the format of ssh-keygen(1)."""
        return self.path / "evidence" / "allowed_signers"

    def blob(self, digest: Digest) -> Path:
        """Path of a blob; a missing one is a `blob-missing` diagnostic."""
        path = self.layout / "blobs" / "sha256" / hex_of(digest)
        if not path.is_file():
            raise fail(
                "blob-missing",
                f"{self.blueprint} {self.version} lacks the blob {digest}",
                subject=str(path),
                hint="run `edgewright package` again",
            )
        return path

    def agent(self, target: str) -> Layer:
        """The device agent of a target."""
        return next(layer for layer in self.targets[target].layers if layer.role == "agent")

    def blobs(self) -> Iterator[tuple[Digest, int]]:
        """Every (digest, size) that any device may be given, each once, sorted."""
        yield from sorted({(layer.digest, layer.size) for t in self.targets.values() for layer in t.layers})
