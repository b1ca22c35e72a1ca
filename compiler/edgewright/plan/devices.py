"""Devices of a fleet before and after a change, and where the touched ones are: by target, wave and site. Pure.

Every function passes once over the devices; nothing is kept for each of them but references.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from edgewright.plan.reach import DeviceSamples, FleetSummary, Sample, Share, WaveForecast
from edgewright.plan.sides import FleetSide, PlannedWave
from edgewright.spec.v1beta1.fleet import Device

SHOWN = 20
"""Names of devices or sites that a result carries; the rest is counted."""


@dataclass(frozen=True, slots=True)
class DeviceDiff:
    """Names of the devices that come, go, or change, by target; `targets` counts the devices of each target after."""

    by_name: Mapping[str, Device]
    targets: Mapping[str, int]
    added: Mapping[str, Sequence[str]]
    removed: Mapping[str, Sequence[str]]
    retargeted: Mapping[str, Sequence[str]]
    changed: Mapping[str, Sequence[str]]

    @property
    def is_empty(self) -> bool:
        """Whether every device is as it was."""
        return not (self.added or self.removed or self.retargeted or self.changed)

    def samples(self) -> DeviceSamples:
        """Some names of each kind."""
        return DeviceSamples(*(_sample(group) for group in (self.added, self.removed, self.retargeted, self.changed)))


def diff_devices(before: Sequence[Device], after: Sequence[Device]) -> DeviceDiff:
    """Compare two lists of devices by name."""
    by_name = {device.name: device for device in after}
    targets = Counter(device.target for device in after)
    if before is after:
        return DeviceDiff(by_name, targets, {}, {}, {}, {})
    old = {device.name: device for device in before}
    groups: dict[str, dict[str, list[str]]] = {"added": {}, "removed": {}, "retargeted": {}, "changed": {}}
    for name, device in by_name.items():
        was = old.get(name)
        if was is None:
            groups["added"].setdefault(device.target, []).append(name)
        elif was is not device and was.target != device.target:
            groups["retargeted"].setdefault(device.target, []).append(name)
        elif was is not device and was != device:
            groups["changed"].setdefault(device.target, []).append(name)
    for name, device in old.items():
        if name not in by_name:
            groups["removed"].setdefault(device.target, []).append(name)
    return DeviceDiff(by_name, targets, **groups)


def touched_names(diff: DeviceDiff, whole_targets: Collection[str]) -> Collection[str]:
    """Devices that get work: all of the targets whose content changes, and those that are new to theirs."""
    if whole_targets and set(diff.targets) <= set(whole_targets):
        return diff.by_name.keys()
    names = {name for group in (diff.added, diff.retargeted, diff.changed) for each in group.values() for name in each}
    if whole_targets:
        names |= {name for name, device in diff.by_name.items() if device.target in whole_targets}
    return names


def forecast_waves(
    waves: Iterable[PlannedWave], by_name: Mapping[str, Device], touched: Collection[str]
) -> tuple[WaveForecast, ...]:
    """The waves that have touched devices."""
    found = []
    for wave in waves:
        members = [by_name[name] for name in wave.devices if name in touched]
        if members:
            targets = Counter(device.target for device in members)
            sites = len({device.site for device in members})
            found.append(WaveForecast(wave.name, len(members), shares(targets), sites))
    return tuple(found)


def summarise(fleet: FleetSide, waves: Iterable[PlannedWave]) -> FleetSummary:
    """Where a release for all devices of a fleet goes."""
    by_name = {device.name: device for device in fleet.devices}
    sites = site_counts(by_name, by_name)
    found = forecast_waves(waves, by_name, by_name)
    return FleetSummary(len(by_name), found, shares(sites, most=SHOWN), len(sites), fleet.unknown)


def site_counts(by_name: Mapping[str, Device], touched: Iterable[str]) -> Counter[str]:
    """Touched devices by site."""
    return Counter(by_name[name].site for name in touched)


def shares(counts: Mapping[str, int], *, most: int | None = None) -> tuple[Share, ...]:
    """Counts as shares, the largest first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Share(name, count) for name, count in ordered[:most])


def _sample(group: Mapping[str, Sequence[str]]) -> Sample:
    names = sorted(name for each in group.values() for name in each)
    return Sample(tuple(names[:SHOWN]), len(names))
