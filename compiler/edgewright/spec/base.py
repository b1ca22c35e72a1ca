"""What every document has: frozen models with camelCase keys, no unknown keys, and the field types of the language."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from edgewright.kernel.units import (
    parse_bandwidth,
    parse_duration,
    parse_percent,
    parse_power,
    parse_size,
    release_number,
)

NAME_PATTERN = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
_RELATIVE_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*(/[A-Za-z0-9_][A-Za-z0-9._+-]*)*")


class Model(BaseModel):
    """Base of all documents: frozen, closed, camelCase in YAML and snake_case in Python."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        strict=True,
        protected_namespaces=(),
        defer_build=True,  # a command validates few kinds, and parts only as parts: no validator is built for nobody
    )


def _parsed(parse: Callable[[str], float], example: str) -> BeforeValidator:
    def convert(value: Any) -> float:
        if not isinstance(value, str):
            raise ValueError(f"{repr(value)[:40]} has no unit: write it with one, such as {example}")
        return parse(value)

    return BeforeValidator(convert)


def _relative_path(value: str) -> str:
    if len(value) > 512 or _RELATIVE_PATH.fullmatch(value) is None:
        raise ValueError(f"{value[:80]!r} is not a relative path of plain names inside the repository")
    return value


def _version(value: str) -> str:
    release_number(value)
    return value


Name = Annotated[str, Field(pattern=NAME_PATTERN, description="kebab-case, at most 63 characters")]
SizeBytes = Annotated[
    int, _parsed(parse_size, "512MiB"), Field(json_schema_extra={"type": "string", "examples": ["512MiB"]})
]
Seconds = Annotated[
    float, _parsed(parse_duration, "10m"), Field(json_schema_extra={"type": "string", "examples": ["10m"]})
]
Watts = Annotated[float, _parsed(parse_power, "15W"), Field(json_schema_extra={"type": "string", "examples": ["15W"]})]
Bandwidth = Annotated[
    float, _parsed(parse_bandwidth, "28GB/s"), Field(json_schema_extra={"type": "string", "examples": ["28GB/s"]})
]
"""In GB/s, 10^9 bytes a second."""
Percent = Annotated[
    float, _parsed(parse_percent, "10%"), Field(json_schema_extra={"type": "string", "examples": ["10%"]})
]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
RelativePath = Annotated[str, AfterValidator(_relative_path)]
Version = Annotated[str, AfterValidator(_version), Field(description="three numbers below 1000, such as 1.4.0")]
LabelValue = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$")]


class Metadata(Model):
    """Name and labels of a document."""

    name: Name
    description: str | None = Field(default=None, max_length=2000)
    labels: dict[Name, LabelValue] = Field(default_factory=dict)


class VersionedMetadata(Metadata):
    """Metadata of a document that is released: its version gives the release number."""

    version: Version
