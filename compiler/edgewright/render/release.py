"""What render needs to know of a verified release; `edgewright.package.view.ReleaseView` has this shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol


class Layer(Protocol):
    """One file of a release."""

    @property
    def digest(self) -> str:
        """`sha256:…`."""

    @property
    def role(self) -> str:
        """`artifact`, `wheel` or `agent`."""


class TargetRelease(Protocol):
    """What the devices of one target get."""

    @property
    def manifest_digest(self) -> str:
        """Digest of the manifest blob."""

    @property
    def layers(self) -> Sequence[Layer]:
        """The files."""


class ReleaseView(Protocol):
    """A verified release."""

    @property
    def path(self) -> Path:
        """`dist/<blueprint>`."""

    @property
    def blueprint(self) -> str:
        """Name of the blueprint."""

    @property
    def version(self) -> str:
        """`1.4.0`."""

    @property
    def number(self) -> int:
        """The monotonic number."""

    @property
    def principal(self) -> str:
        """Who signed, as named in `allowed_signers`."""

    @property
    def targets(self) -> Mapping[str, TargetRelease]:
        """By target name."""
