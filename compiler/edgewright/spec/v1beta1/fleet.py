"""Fleet: named devices, each of one target; inline or from an Ansible inventory."""

from __future__ import annotations

import re
from functools import cache
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from edgewright.spec.base import LabelValue, Metadata, Model, Name, RelativePath

# A leading dash would be read as an option by ssh; everything else outside this set has no place in a host name.
HOST_PATTERN = r"^[A-Za-z0-9]([A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?$"

# what the rendering hands to Ansible: no blank, no quote, nothing that a shell or a template reads
_ABSOLUTE = re.compile(r"(/[A-Za-z0-9_.:@=+,-]+)+/?")


def _absolute(value: str) -> str:
    if len(value) > 200 or ".." in value.split("/") or _ABSOLUTE.fullmatch(value) is None:
        raise ValueError(f"{value[:80]!r} is not an absolute path of plain names")
    return value


AbsolutePath = Annotated[str, AfterValidator(_absolute)]


class Connection(Model):
    """How Ansible reaches a device. `local` runs on the controller itself (demonstrations and tests)."""

    type: Literal["ssh", "local"] = "ssh"
    host: str | None = Field(default=None, pattern=HOST_PATTERN)
    port: int = Field(default=22, ge=1, le=65535)
    user: str | None = Field(default=None, pattern=r"^[a-z_][a-z0-9_-]{0,31}$")
    identity_file: AbsolutePath | None = None
    known_hosts_file: AbsolutePath | None = None
    python: AbsolutePath | None = None
    become: bool = False

    @model_validator(mode="after")
    def _ssh_has_a_host(self) -> Self:
        if self.type == "ssh" and self.host is None:
            raise ValueError("an ssh connection needs host")
        return self


@cache
def _on_the_controller() -> Connection:
    """The default; made when it is first needed, because making it builds its validator."""
    return Connection(type="local")


class Device(Model):
    """One device."""

    name: Name
    target: Name
    site: Name = "default"
    labels: dict[Name, LabelValue] = Field(default_factory=dict)
    connection: Connection = Field(default_factory=_on_the_controller)
    root: AbsolutePath | None = Field(default=None, description="/opt/edgewright/<blueprint> when absent")
    port: int | None = Field(
        default=None,
        alias="servicePort",
        ge=1,
        le=65535,
        description="port of the service, not of the connection; the blueprint's when absent",
    )
    supervisor: Literal["systemd", "process"] = "systemd"


class InventoryReference(Model):
    """An Ansible inventory of the repository; hosts need the variable `edgewright_target`."""

    path: RelativePath
    group: str = Field(default="all", pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")


class FleetSpec(Model):
    """The body of a fleet: devices written here, or taken from an inventory."""

    devices: tuple[Device, ...] | None = Field(default=None, min_length=1, max_length=100_000)
    inventory: InventoryReference | None = None

    @model_validator(mode="after")
    def _one_source_of_devices(self) -> Self:
        if (self.devices is None) == (self.inventory is None):
            raise ValueError("write either devices or inventory")
        seen: set[str] = set()
        for device in self.devices or ():
            if device.name in seen:
                raise ValueError(f"two devices are named {device.name!r}")
            seen.add(device.name)
        return self


class Fleet(Model):
    """Named devices."""

    api_version: Literal["edgewright/v1beta1"]
    kind: Literal["Fleet"]
    metadata: Metadata
    spec: FleetSpec
