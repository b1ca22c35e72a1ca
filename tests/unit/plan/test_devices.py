"""Devices before and after: every device is in exactly one group, and every touched one in one wave and one site."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from edgewright.plan.devices import (
    SHOWN,
    diff_devices,
    forecast_waves,
    shares,
    site_counts,
    summarise,
    touched_names,
)
from edgewright.plan.sides import FleetSide, PlannedWave
from edgewright.spec.v1beta1.fleet import Device

TARGETS = ("board", "pc", "server")
NAMES = [f"device-{number}" for number in range(12)]
DEVICES = st.dictionaries(
    st.sampled_from(NAMES), st.tuples(st.sampled_from(TARGETS), st.sampled_from(["north", "south"])), max_size=12
)


def fleet(found: dict[str, tuple[str, str]]) -> tuple[Device, ...]:
    return tuple(Device(name=name, target=target, site=site) for name, (target, site) in sorted(found.items()))


@given(DEVICES, DEVICES)
def test_every_device_is_in_one_group(old: dict[str, tuple[str, str]], new: dict[str, tuple[str, str]]) -> None:
    diff = diff_devices(fleet(old), fleet(new))
    groups = {name: {n for each in getattr(diff, name).values() for n in each} for name in ("added", "removed")}
    assert groups == {"added": new.keys() - old.keys(), "removed": old.keys() - new.keys()}
    moved = {n for each in diff.retargeted.values() for n in each}
    assert moved == {name for name in old.keys() & new.keys() if old[name][0] != new[name][0]}
    changed = {n for each in diff.changed.values() for n in each}
    assert changed == {n for n in old.keys() & new.keys() if old[n][0] == new[n][0] and old[n] != new[n]}
    assert Counter(diff.targets) == Counter(target for target, _ in new.values())
    assert diff.is_empty == (old == new)


@given(DEVICES, DEVICES, st.sets(st.sampled_from(TARGETS)))
def test_every_touched_device_is_in_one_wave_and_one_site(
    old: dict[str, tuple[str, str]], new: dict[str, tuple[str, str]], whole: set[str]
) -> None:
    diff = diff_devices(fleet(old), fleet(new))
    touched = touched_names(diff, whole)
    assert {name for name, (target, _) in new.items() if target in whole} <= set(touched) <= new.keys()
    names = tuple(sorted(new))
    waves = [PlannedWave("01-canary", names[:1]), PlannedWave("02-100-percent", names[1:])]
    forecast = forecast_waves(waves, diff.by_name, touched)
    assert sum(wave.touched for wave in forecast) == len(touched)
    assert all(wave.touched == sum(share.devices for share in wave.targets) for wave in forecast)
    assert sum(site_counts(diff.by_name, touched).values()) == len(touched)


def test_the_same_list_is_not_compared_device_by_device() -> None:
    devices = fleet({"a": ("pc", "north")})
    assert diff_devices(devices, devices).is_empty


def test_samples_are_some_names_and_the_number_of_all() -> None:
    many = {f"device-{number:03d}": ("pc", "north") for number in range(100)}
    added = diff_devices((), fleet(many)).samples().added
    assert (added.count, len(added.names), added.names[0]) == (100, SHOWN, "device-000")


def test_a_summary_counts_all_devices_of_a_release() -> None:
    devices = fleet({"a": ("pc", "north"), "b": ("pc", "south"), "c": ("board", "south")})
    found = summarise(FleetSide("shops", devices), [PlannedWave("01-100-percent", ("a", "b", "c"))])
    assert (found.devices, found.site_count, found.unknown) == (3, 2, None)
    assert found.sites == shares({"south": 2, "north": 1})
    assert found.waves[0].targets == shares({"pc": 2, "board": 1})
