"""Target: a class of device, every number with its source."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from edgewright.spec.base import Bandwidth, Metadata, Model, Name, SizeBytes, Watts

Architecture = Literal["x86_64", "aarch64", "armv7", "riscv64"]
NUMBERS_WITH_SOURCE = ("cores", "memory", "disk", "memoryBandwidth", "power")


class Isa(Model):
    """What the compiler may use: the CPU in LLVM's words, extra features, the float32 vector width."""

    cpu: str = Field(pattern=r"^[a-z0-9][a-z0-9._+-]{0,63}$")
    features: tuple[str, ...] = Field(default=(), max_length=64)
    vector_floats: int = Field(ge=1, le=64, description="float32 lanes of one vector register")
    has_int8_dot: bool = Field(default=False, description="8-bit dot products (VNNI, SDOT)")


class Libc(Model):
    """The C library, which decides the wheels that install."""

    family: Literal["glibc", "musl"]
    version: str = Field(pattern=r"^[0-9]{1,2}\.[0-9]{1,3}$")


class TargetSpec(Model):
    """The body of a target profile. `sources` notes where each number comes from."""

    architecture: Architecture
    isa: Isa
    cores: int = Field(ge=1, le=1024)
    memory: SizeBytes
    memory_for_model: SizeBytes = Field(
        description="what the service may use, beside the system and the shop's own work"
    )
    disk: SizeBytes = Field(description="what edgewright may use of the disk, for two releases at a time")
    memory_bandwidth: Bandwidth = Field(gt=0, le=10_000, description="sustained read bandwidth of all cores")
    power: Watts = Field(gt=0, le=10_000, description="under full load, the whole board")
    os: Literal["linux"]
    libc: Libc
    python: str | None = Field(default=None, pattern=r"^3\.[0-9]{1,2}$")
    runtimes: tuple[Name, ...] = Field(description="backends whose runtime exists for this class")
    sources: dict[str, str] = Field(description="for every number: where it was read or measured")

    @field_validator("sources")
    @classmethod
    def _every_number_has_a_source(cls, sources: dict[str, str]) -> dict[str, str]:
        missing = [name for name in (*NUMBERS_WITH_SOURCE, "memoryForModel", "isa") if name not in sources]
        if missing:
            raise ValueError(f"{', '.join(missing)} lacking: every number says where it came from")
        return sources


class Target(Model):
    """A class of device."""

    api_version: Literal["edgewright/v1beta1"]
    kind: Literal["Target"]
    metadata: Metadata
    spec: TargetSpec
