"""What a change does to a fleet, as values: the result of `plan --base`, which text, JSON and Markdown only draw.

Owns the words.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from edgewright.kernel.digest import Digest
from edgewright.plan.numbers import Number
from edgewright.plan.reach import DeviceSamples, Sample, Share, WaveForecast


class ChangeClass(StrEnum):
    """What kind of change reaches a cohort, the heaviest first."""

    NEW = "new"
    REMOVED = "removed"
    WEIGHTS = "weights"
    TOKENIZER = "tokenizer or chat template"
    RECIPE = "recipe"
    RUNTIME = "runtime"
    TARGET = "target profile"
    SERVICE = "service options"
    VERSION = "version"
    GATES = "gates"
    ROLLOUT = "roll-out"
    FLEET = "fleet"


class NextStep(StrEnum):
    """What a change asks for next, once it is merged; `plan.step` says why."""

    RELEASE = "release"
    RECONCILE = "reconcile"
    RAISE_VERSION = "raise-version"
    NONE = "none"


CONTENT = frozenset(
    {
        ChangeClass.NEW,
        ChangeClass.WEIGHTS,
        ChangeClass.TOKENIZER,
        ChangeClass.RECIPE,
        ChangeClass.RUNTIME,
        ChangeClass.SERVICE,
    }
)
"""Classes that change what a device runs."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the gates of a blueprint demand of a number: the tightest of them, in the number's unit."""

    least: Number | None
    most: Number | None


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of an artifact before and after, and what gates demanded of it then and demand now."""

    name: str
    before: Number | None
    after: Number | None
    gate_before: Bounds | None = None
    gate_after: Bounds | None = None


@dataclass(frozen=True, slots=True)
class Artifact:
    """What a cohort runs: `key` names the artifact before it is built; without one, `unknown` says why."""

    backend: str
    recipe: str
    key: Digest | None
    unknown: str | None


@dataclass(frozen=True, slots=True)
class Wire:
    """Bytes that travel to devices: to one that runs the artifact before, to one that has nothing, to all of them."""

    update: Number | None
    full: Number | None
    total: Number | None


@dataclass(frozen=True, slots=True)
class DeviceCounts:
    """Devices of a cohort. `retargeted` came from another target; `changed` have other settings; `touched` get work."""

    total: int
    added: int
    removed: int
    retargeted: int
    changed: int
    touched: int


@dataclass(frozen=True, slots=True)
class CohortChange:
    """What changes for the devices of one target of one blueprint."""

    target: str
    classes: tuple[ChangeClass, ...]
    before: Artifact | None
    after: Artifact | None
    figures: tuple[Figure, ...]
    wire: Wire
    headroom: Number | None
    devices: DeviceCounts


@dataclass(frozen=True, slots=True)
class Duration:
    """How long a roll-out takes, estimated: at least and at most when nothing fails, in seconds."""

    least_s: float
    most_s: float
    formula: str


@dataclass(frozen=True, slots=True)
class BlueprintChange:
    """What changes for one blueprint: its cohorts, how the roll-out would go, and what it asks for next.

    `environments` are those in which exactly this happens; None among them is the repository without any.
    """

    name: str
    environments: tuple[str | None, ...]
    classes: tuple[ChangeClass, ...]
    version_before: str | None
    version_after: str | None
    step: NextStep
    fleet: str
    cohorts: tuple[CohortChange, ...]
    unchanged_cohorts: int
    touched: int
    devices: DeviceSamples
    waves: tuple[WaveForecast, ...]
    sites: tuple[Share, ...]
    site_count: int
    wire_total: Number | None
    duration: Duration | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Totals:
    """How much of something there is on the side of the change, and how much of that is touched."""

    all: int
    touched: int

    @property
    def untouched(self) -> int:
        """What stays as it is."""
        return self.all - self.touched


@dataclass(frozen=True, slots=True)
class Revision:
    """One side of the comparison: how it was named, its commit (None: the working tree with changes, or no Git)."""

    name: str
    commit: str | None
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class ChangePlan:
    """All that a change does: what is touched blueprint by blueprint, and how much is not.

    `environments` are those that were compared, beside the repository without any.
    """

    base: Revision
    head: Revision
    environments: tuple[str, ...]
    blueprints: tuple[BlueprintChange, ...]
    blueprint_totals: Totals
    cohort_totals: Totals
    device_totals: Totals
    untouched_blueprints: Sample
    notes: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes for any device, gate or roll-out."""
        return not self.blueprints
