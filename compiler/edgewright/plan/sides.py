"""What is known of a blueprint on one side of a change, gathered before the pure comparison.

Owns the shape only. What a side does not know is None, with the reason in `unknown`: the comparison then falls back on
the documents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from edgewright.kernel.digest import Digest
from edgewright.plan.numbers import Number
from edgewright.plugins.protocols import FileDigest
from edgewright.spec.v1beta1.blueprint import Blueprint, BuildSpec
from edgewright.spec.v1beta1.compression import Recipe
from edgewright.spec.v1beta1.fleet import Device
from edgewright.spec.v1beta1.target import TargetSpec


@dataclass(frozen=True, slots=True)
class CohortSide:
    """One target of a blueprint: how it is built, what it came out as, and its numbers by name.

    `blobs` are the artifact's files by digest, with their sizes; `wheels` the locked runtime; `disk` what one release
    takes on the device.
    """

    target: TargetSpec
    build: BuildSpec
    recipe: Recipe
    artifact: Digest | None = None
    measurements: Digest | None = None
    wheels: tuple[FileDigest, ...] | None = None
    blobs: Mapping[Digest, int] | None = None
    numbers: Mapping[str, Number] = field(default_factory=dict)
    disk: Number | None = None


@dataclass(frozen=True, slots=True)
class FleetSide:
    """The devices of a fleet; none, and why, when they could not be read."""

    name: str
    devices: Sequence[Device]
    unknown: str | None = None


@dataclass(frozen=True, slots=True)
class BlueprintSide:
    """A blueprint with its cohorts by target, its fleet, and what its lock says (None: see `unknown`)."""

    blueprint: Blueprint
    cohorts: Mapping[str, CohortSide]
    fleet: FleetSide
    model_files: tuple[FileDigest, ...] | None = None
    datasets: Mapping[str, Digest | None] = field(default_factory=dict)
    unknown: str | None = None


@dataclass(frozen=True, slots=True)
class PlannedWave:
    """A wave by name, with its devices in order."""

    name: str
    devices: tuple[str, ...]
