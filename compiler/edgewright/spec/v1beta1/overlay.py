"""Overlay: what differs in an environment or at a site, as parts of documents. Where its file lies says where it holds.

The parts are held against the whole document once they are merged into it, so here they are only mappings.
"""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from edgewright.spec.base import LabelValue, Metadata, Model, Name
from edgewright.spec.v1beta1.fleet import AbsolutePath

PatchedKind = Literal["Blueprint", "CompressionPolicy", "Fleet"]


class PatchBody(Model):
    """A part of a document, in its shape: mappings are merged, lists of named things by name; null takes a key away."""

    metadata: dict[str, Any] | None = None
    spec: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _keeps_the_name(self) -> Self:
        if "name" in (self.metadata or {}):
            raise ValueError("metadata.name is what a document is known by; an overlay cannot change it")
        for part in ("metadata", "spec"):
            if part in self.model_fields_set and getattr(self, part) is None:
                raise ValueError(f"{part} is what a document is made of; an overlay cannot take it away")
        if not self.metadata and not self.spec:
            raise ValueError("write what differs, below metadata or spec")
        return self


class Patch(Model):
    """What differs, and in which documents: those of the kind whose name matches and that have all the labels."""

    kind: PatchedKind
    name: str = Field(default="*", pattern=r"^[a-z0-9*?-]{1,63}$", description="a name or a glob")
    labels: dict[Name, LabelValue] = Field(default_factory=dict)
    patch: PatchBody


class SiteConnection(Model):
    """How the devices of a site are reached."""

    type: Literal["ssh", "local"] | None = None
    port: int | None = Field(default=None, ge=1, le=65535)
    user: str | None = Field(default=None, pattern=r"^[a-z_][a-z0-9_-]{0,31}$")
    identity_file: AbsolutePath | None = None
    known_hosts_file: AbsolutePath | None = None
    python: AbsolutePath | None = None
    become: bool | None = None


class SiteDevices(Model):
    """What differs for every device of a site. It goes before what the fleet says; null takes a key away."""

    labels: dict[Name, LabelValue | None] | None = None
    connection: SiteConnection | None = None
    root: AbsolutePath | None = None
    port: int | None = Field(default=None, alias="servicePort", ge=1, le=65535)
    supervisor: Literal["systemd", "process"] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("write what differs for the devices of the site, such as connection or labels")
        return self


class OverlaySpec(Model):
    """The body of an overlay: of an environment, `patches`; of a site, `devices`."""

    patches: tuple[Patch, ...] | None = Field(default=None, min_length=1, max_length=256)
    devices: SiteDevices | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.patches is None) == (self.devices is None):
            raise ValueError("write either patches (of an environment) or devices (of a site)")
        return self


class Overlay(Model):
    """What differs in an environment or at a site."""

    api_version: Literal["edgewright/v1beta1"]
    kind: Literal["Overlay"]
    metadata: Metadata
    spec: OverlaySpec
