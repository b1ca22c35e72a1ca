"""Compares two sides of a change: what happens to which devices. Pure: the same sides give the same result.

Work that blueprints share is done once: the devices of a fleet are compared once, and a roll-out over the same devices
in the same waves is forecast once, whatever the number of blueprints.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from edgewright.plan.change import (
    Artifact,
    BlueprintChange,
    Bounds,
    ChangeClass,
    ChangePlan,
    CohortChange,
    DeviceCounts,
    Figure,
    NextStep,
    Revision,
    Totals,
    Wire,
)
from edgewright.plan.classify import classes_of
from edgewright.plan.devices import (
    SHOWN,
    DeviceDiff,
    diff_devices,
    forecast_waves,
    shares,
    site_counts,
    touched_names,
)
from edgewright.plan.numbers import Number, NumberKind
from edgewright.plan.reach import Sample, Share, WaveForecast
from edgewright.plan.sides import BlueprintSide, CohortSide, FleetSide, PlannedWave
from edgewright.plan.step import IN_A_RELEASE, next_step
from edgewright.plan.wire import duration, headroom, wire
from edgewright.spec.v1beta1.fleet import Device

_NOWHERE = FleetSide("", ())
_ORDER = ("artifact_size", "peak_memory", "decode_rate", "latency_median")
_NO_WIRE = Wire(None, None, None)


@dataclass(frozen=True, slots=True)
class Pair:
    """A blueprint whose sides differ in an environment; one of them may be absent. `waves` are those of after."""

    name: str
    before: BlueprintSide | None
    after: BlueprintSide | None
    waves: Sequence[PlannedWave] = ()
    environment: str | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """All that there is after the change, touched or not: cohorts as (blueprint, target), fleets, environments."""

    cohorts: Collection[tuple[str, str]]
    fleets: Sequence[FleetSide]
    environments: tuple[str, ...] = ()

    @property
    def blueprints(self) -> set[str]:
        """Names of blueprints."""
        return {name for name, _ in self.cohorts}


@dataclass(slots=True)
class _Shared:
    """Results that several blueprints need, by the identity of what they were made from."""

    diffs: dict[tuple[int, int], DeviceDiff] = field(default_factory=dict)
    forecasts: dict[tuple[int, int, frozenset[str]], _Forecast] = field(default_factory=dict)

    def diff(self, before: Sequence[Device], after: Sequence[Device]) -> DeviceDiff:
        key = (id(before), id(after))
        if key not in self.diffs:
            self.diffs[key] = diff_devices(before, after)
        return self.diffs[key]

    def forecast(self, waves: Sequence[PlannedWave], diff: DeviceDiff, whole: frozenset[str]) -> _Forecast:
        key = (id(waves), id(diff), whole & frozenset(diff.targets))
        if key not in self.forecasts:
            touched = touched_names(diff, whole)
            sites = site_counts(diff.by_name, touched)
            self.forecasts[key] = _Forecast(
                touched,
                forecast_waves(waves, diff.by_name, touched),
                shares(sites, most=SHOWN),
                len(sites),
            )
        return self.forecasts[key]


@dataclass(frozen=True, slots=True)
class _Forecast:
    touched: Collection[str]
    waves: tuple[WaveForecast, ...]
    sites: tuple[Share, ...]
    site_count: int


def compare(
    base: Revision, head: Revision, pairs: Iterable[Pair], scope: Scope, notes: Sequence[str] = ()
) -> ChangePlan:
    """What the change from `base` to `head` does. `pairs` are the blueprints whose documents differ."""
    shared = _Shared()
    merged: dict[BlueprintChange, tuple[str | None, ...]] = {}
    touched: dict[int, set[str]] = {}
    for pair in sorted(pairs, key=lambda pair: (pair.name, pair.environment or "")):
        change = _blueprint(pair, shared, touched)
        if change.classes:
            merged[change] = (*merged.get(change, ()), pair.environment)
    changes = [replace(change, environments=found) for change, found in merged.items()]
    blueprints = scope.blueprints
    changed = {change.name for change in changes} & blueprints
    cohorts = {(change.name, cohort.target) for change in changes for cohort in change.cohorts} & set(scope.cohorts)
    fleets = {id(fleet): fleet for fleet in scope.fleets}
    return ChangePlan(
        base,
        head,
        scope.environments,
        tuple(sorted(changes, key=_weight)),
        Totals(len(blueprints), len(changed)),
        Totals(len(set(scope.cohorts)), len(cohorts)),
        Totals(sum(len(f.devices) for f in fleets.values()), sum(len(names) for names in touched.values())),
        Sample(tuple(sorted(blueprints - changed)[:SHOWN]), len(blueprints - changed)),
        tuple(notes),
    )


def _weight(change: BlueprintChange) -> tuple[int, int, str, list[str]]:
    """The order of a result: what touches devices first, the heaviest class first."""
    heaviest = list(ChangeClass).index(change.classes[0])
    return (0 if change.touched else 1, heaviest, change.name, [name or "" for name in change.environments])


def _blueprint(pair: Pair, shared: _Shared, touched: dict[int, set[str]]) -> BlueprintChange:
    before, after = pair.before, pair.after
    fleet_before, fleet_after = (side.fleet if side else _NOWHERE for side in (before, after))
    diff = shared.diff(fleet_before.devices, fleet_after.devices)
    names = [*(after.cohorts if after else ()), *(before.cohorts if before else ())]
    classes = {name: _classes(before, after, name) for name in dict.fromkeys(names)}
    is_released = any(IN_A_RELEASE & set(found) for found in classes.values())
    # a release goes to all of its devices, also to those whose artifact stays
    whole = frozenset(after.cohorts) if after and is_released else frozenset()
    forecast = shared.forecast(pair.waves, diff, whole)
    if after:
        touched.setdefault(id(fleet_after), set()).update(forecast.touched)
    changes = [_cohort(before, after, name, found, diff, name in whole) for name, found in classes.items()]
    shown = [change for change in changes if change.classes]
    all_classes = {item for change in shown for item in change.classes}
    total = _sum([change.wire.total for change in shown if change.after and change.devices.touched])
    old, new = (side.blueprint.metadata.version if side else None for side in (before, after))
    step = next_step(old, new, all_classes)
    return BlueprintChange(
        pair.name,
        (),
        tuple(item for item in ChangeClass if item in all_classes),
        old,
        new,
        step,
        fleet_after.name or fleet_before.name,
        tuple(shown),
        len(changes) - len(shown),
        len(forecast.touched) if after else 0,
        diff.samples(),
        forecast.waves,
        forecast.sites,
        forecast.site_count,
        total,
        duration(after.blueprint.spec.rollout, forecast.waves, total) if after else None,
        tuple(_notes(before, after, step)),
    )


def _classes(before: BlueprintSide | None, after: BlueprintSide | None, target: str) -> tuple[ChangeClass, ...]:
    if before is None:
        return (ChangeClass.NEW,)
    if after is None:
        return (ChangeClass.REMOVED,)
    return classes_of(before, after, target)


def _cohort(
    before: BlueprintSide | None,
    after: BlueprintSide | None,
    target: str,
    classes: tuple[ChangeClass, ...],
    diff: DeviceDiff,
    is_whole: bool,
) -> CohortChange:
    old = before.cohorts.get(target) if before else None
    new = after.cohorts.get(target) if after else None
    added, removed, moved, changed = (
        len(group.get(target, ())) for group in (diff.added, diff.removed, diff.retargeted, diff.changed)
    )
    if (added or removed or moved or changed) and ChangeClass.FLEET not in classes and old and new:
        classes = (*classes, ChangeClass.FLEET)
    total = diff.targets.get(target, 0) if after else 0
    touched = 0 if new is None else total if is_whole else added + moved + changed
    counts = DeviceCounts(total, added, removed, moved, changed, touched)
    fresh = added + moved if old is not None else touched
    return CohortChange(
        target,
        classes,
        _artifact(before, old),
        _artifact(after, new),
        _figures(old, new, _demands(before, old, target), _demands(after, new, target)),
        wire(old, new, updated=max(touched - fresh, 0), fresh=min(fresh, touched)) if new else _NO_WIRE,
        headroom(old, new) if new else None,
        counts,
    )


def _artifact(side: BlueprintSide | None, cohort: CohortSide | None) -> Artifact | None:
    if side is None or cohort is None:
        return None
    return Artifact(cohort.build.backend, cohort.recipe.name, cohort.artifact, side.unknown)


_Demands = Mapping[str, tuple[float | None, float | None]]
"""Least and most of a metric; None where no gate says."""


def _demands(side: BlueprintSide | None, cohort: CohortSide | None, target: str) -> _Demands:
    found: dict[str, tuple[float | None, float | None]] = {}
    if side is None or cohort is None:
        return found
    for gate in side.blueprint.spec.gates:
        if gate.covers(target=target, backend=cohort.build.backend):
            least, most = found.get(gate.metric, (None, None))
            found[gate.metric] = (
                max((bound for bound in (least, gate.min) if bound is not None), default=None),
                min((bound for bound in (most, gate.max) if bound is not None), default=None),
            )
    return found


def _bounds(demands: _Demands, name: str, unit: str) -> Bounds | None:
    if name not in demands:
        return None
    least, most = (None if value is None else Number(value, unit, "declared", "spec.gates") for value in demands[name])
    return Bounds(least, most)


def _figures(
    old: CohortSide | None, new: CohortSide | None, demanded: _Demands, demands: _Demands
) -> tuple[Figure, ...]:
    one: Mapping[str, Number] = old.numbers if old else {}
    other: Mapping[str, Number] = new.numbers if new else {}
    if old and new and old.artifact is not None and old.artifact == new.artifact:
        # one artifact: what was measured of it on either side holds for both
        one, other = ({**theirs, **mine, **_measured(theirs)} for mine, theirs in ((one, other), (other, one)))
    rest = sorted({*one, *other} - set(_ORDER))
    names = [name for name in (*_ORDER, *rest) if name in one or name in other]
    units = {name: number.unit for numbers in (one, other) for name, number in numbers.items()}
    return tuple(
        Figure(
            name,
            one.get(name),
            other.get(name),
            _bounds(demanded, name, units[name]),
            _bounds(demands, name, units[name]),
        )
        for name in names
    )


def _measured(numbers: Mapping[str, Number]) -> dict[str, Number]:
    return {name: number for name, number in numbers.items() if number.kind == "measured"}


def _sum(numbers: Sequence[Number | None]) -> Number | None:
    known = [number for number in numbers if number is not None]
    if not known:
        return None
    kind: NumberKind = "measured" if all(number.kind == "measured" for number in known) else "estimated"
    missing = len(numbers) - len(known)
    words = f"sum over {len(known)} targets" + (f", {missing} unknown" if missing else "")
    return Number(sum(number.value for number in known), "B", kind, words)


def _notes(before: BlueprintSide | None, after: BlueprintSide | None, step: NextStep) -> Iterable[str]:
    for word, side in (("before", before), ("after", after)):
        if side is not None and side.unknown is not None:
            yield f"{word} the change: {side.unknown}; what depends on it is judged by the documents"
        if side is not None and side.fleet.unknown is not None:
            yield f"{word} the change: {side.fleet.unknown}; its devices are not counted"
    if after is None:
        yield "devices keep the release they run: removing a blueprint takes nothing off them"
    elif step is NextStep.RAISE_VERSION:
        version = after.blueprint.metadata.version
        if before is not None and before.blueprint.metadata.version != version:
            yield f"the version falls to {version}: devices refuse a lower release; raise metadata.version"
        else:
            yield (
                f"the version is still {version}: devices that run it would not take the change; raise metadata.version"
            )
