"""Which devices a release or a change reaches, as values: by wave, by target, by site, and some of them by name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Share:
    """How many touched devices belong to something: a target, a site."""

    name: str
    devices: int


@dataclass(frozen=True, slots=True)
class WaveForecast:
    """One wave of the roll-out: its devices that are touched, by target, and at how many sites."""

    name: str
    touched: int
    targets: tuple[Share, ...]
    sites: int


@dataclass(frozen=True, slots=True)
class FleetSummary:
    """Where a release would go: devices by wave, the largest sites and how many there are; or why nobody knows."""

    devices: int
    waves: tuple[WaveForecast, ...]
    sites: tuple[Share, ...]
    site_count: int
    unknown: str | None


@dataclass(frozen=True, slots=True)
class Sample:
    """Some names of many, sorted."""

    names: tuple[str, ...]
    count: int


@dataclass(frozen=True, slots=True)
class DeviceSamples:
    """Which devices come, go, or change their target or settings."""

    added: Sample
    removed: Sample
    retargeted: Sample
    changed: Sample
