"""What `package` is given, as values. Nothing here reads a file."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from edgewright.kernel.digest import Digest
from edgewright.spec.v1beta1.blueprint import Blueprint
from edgewright.spec.v1beta1.lock import Lock
from edgewright.spec.v1beta1.target import TargetSpec


def installed_version() -> str:
    """Version of this edgewright."""
    return importlib.metadata.version("edgewright")


BUILDER_ID = "https://edgewright.dev/builder/local/v0.1"


@dataclass(frozen=True, slots=True)
class Variant:
    """The release's contents for one target.

    `artifact` is the artifact folder, `wheels` maps file names to files. `gates` are the gate results as JSON values:
    each has at least `metric` and `verdict` (`pass`, `fail`, `inconclusive`), and may have `value`, `unit`, `max`,
    `min`, `kind`, `where`, `note`. Gates with `where: device` are not needed here: the device checks them.
    """

    target_name: str
    target: TargetSpec
    backend: str
    recipe: str
    artifact: Path
    wheels: Mapping[str, Path]
    gates: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class ReleaseInputs:
    """A release to package. Equal inputs give equal bytes, so the times are given and not read from a clock.

    `commit` is the Git commit of the fleet repository, None when there is none or it has changes. `documents` are the
    documents that were compiled, by path; `environments` the worker environments and `tools` the versions used.
    """

    blueprint: Blueprint
    lock: Lock
    commit: str | None
    created: datetime
    expires: datetime
    fleet: str
    variants: Sequence[Variant]
    documents: Mapping[str, Digest] = field(default_factory=dict)
    environments: Mapping[str, Digest] = field(default_factory=dict)
    tools: Mapping[str, str] = field(default_factory=dict)
    builder: str = BUILDER_ID
