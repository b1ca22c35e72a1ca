"""Waves partition a fleet, whatever its shape."""

from __future__ import annotations

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from edgewright.render.waves import plan_waves, spread
from edgewright.spec.v1beta1.blueprint import Canary, CanaryWave
from edgewright.spec.v1beta1.fleet import Device


def device(number: int, target: str = "x86-64-v3", site: str = "default") -> Device:
    return Device(name=f"d{number:04d}", target=target, site=site)


fleets = st.lists(
    st.tuples(st.sampled_from(["x86-64-v3", "rk3588-8g", "riscv64-rvv"]), st.sampled_from(["berlin", "paris", "rome"])),
    min_size=1,
    max_size=60,
).map(lambda pairs: [device(number, target, site) for number, (target, site) in enumerate(pairs)])
shares = st.lists(st.integers(1, 99), max_size=4, unique=True).map(
    lambda numbers: [*(n / 100 for n in sorted(numbers)), 1.0]
)


@given(fleets, shares, st.one_of(st.none(), st.integers(1, 5)))
def test_waves_partition_the_fleet(fleet: list[Device], cut: list[float], canary: int | None) -> None:
    head = [CanaryWave(canary=Canary(per_target=canary))] if canary else []
    waves = plan_waves(fleet, [*head, *cut])
    names = [name for wave in waves for name in wave.devices]
    assert sorted(names) == sorted(d.name for d in fleet)
    assert len(names) == len(set(names))
    assert [wave.number for wave in waves] == list(range(1, len(waves) + 1))
    assert all(wave.devices for wave in waves)


@given(fleets, shares, st.randoms(use_true_random=False))
def test_waves_do_not_depend_on_the_order_of_the_fleet(
    fleet: list[Device], cut: list[float], order: random.Random
) -> None:
    shuffled = list(fleet)
    order.shuffle(shuffled)
    assert plan_waves(shuffled, cut) == plan_waves(fleet, cut)


@given(fleets, st.integers(1, 3))
def test_canary_takes_n_of_each_target(fleet: list[Device], count: int) -> None:
    first = plan_waves(fleet, [CanaryWave(canary=Canary(per_target=count)), 1.0])[0]
    targets = {d.name: d.target for d in fleet}
    taken = Counter(targets[name] for name in first.devices)
    assert taken == {t: min(count, n) for t, n in Counter(targets.values()).items()}
    assert first.is_canary


@given(fleets, st.integers(1, 99))
def test_a_share_is_of_the_whole_fleet_and_rounded_up(fleet: list[Device], percent: int) -> None:
    first = plan_waves(fleet, [percent / 100, 1.0])[0]
    assert len(first.devices) == -(-percent * len(fleet) // 100)


@given(fleets)
def test_every_prefix_holds_each_site_in_its_share(fleet: list[Device]) -> None:
    ordered = spread(fleet)
    strata = Counter((d.site, d.target) for d in fleet)
    for length in range(1, len(ordered) + 1):
        seen = Counter((d.site, d.target) for d in ordered[:length])
        for stratum, size in strata.items():
            assert abs(seen[stratum] - size * length / len(fleet)) <= len(strata)


def test_canary_prefers_sites_that_have_none_yet() -> None:
    fleet = [device(0, "a", "berlin"), device(1, "b", "berlin"), device(2, "b", "paris")]
    assert set(plan_waves(fleet, [CanaryWave(canary=Canary(per_target=1)), 1.0])[0].devices) == {"d0000", "d0002"}


def test_wave_names_sort_in_order() -> None:
    fleet = [device(number) for number in range(20)]
    waves = plan_waves(fleet, [CanaryWave(canary=Canary(per_target=1)), 0.1, 0.125, 0.5, 1.0])
    assert [wave.name for wave in waves] == [
        "01-canary",
        "02-10-percent",
        "03-12-5-percent",
        "04-50-percent",
        "05-100-percent",
    ]
