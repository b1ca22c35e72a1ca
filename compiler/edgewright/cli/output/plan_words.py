"""How the parts of a change are said, whatever they are drawn as: numbers with their kind, names, counts."""

from __future__ import annotations

from collections.abc import Sequence

from edgewright.kernel.units import format_duration, format_size
from edgewright.plan.change import (
    Artifact,
    BlueprintChange,
    Bounds,
    ChangeClass,
    ChangePlan,
    CohortChange,
    Duration,
    Figure,
    NextStep,
    Revision,
)
from edgewright.plan.numbers import Number
from edgewright.plan.reach import Sample

_ONLY = frozenset({ChangeClass.VERSION, ChangeClass.GATES, ChangeClass.ROLLOUT, ChangeClass.FLEET, ChangeClass.TARGET})
_TWO_HOURS_S = 2 * 3600.0
_TWO_DAYS_S = 2 * 86400.0


def value(number: Number) -> str:
    """A number with its unit: `24.1 MiB`, `31.2 tokens/s`, `0.0132`."""
    if number.unit == "B":
        return f"-{format_size(-number.value)}" if number.value < 0 else format_size(number.value)
    if number.unit == "s":
        return format_duration(number.value)
    if number.unit:
        return f"{number.value:.4g} {number.unit}"
    return f"{number.value:.4g}"


def marked(number: Number | None) -> str:
    """A number and its kind: `24.1 MiB (estimated)`."""
    return "unknown" if number is None else f"{value(number)} ({number.kind})"


def origins(figure: Figure) -> str:
    """Where the numbers of a figure come from, both when they differ."""
    before, after = figure.before, figure.after
    if before is None or after is None or before.origin == after.origin:
        known = after or before
        return known.origin if known else ""
    return f"before: {before.origin}; after: {after.origin}"


def classes(found: Sequence[ChangeClass]) -> str:
    """The classes of a change; one that touches no artifact, alone, is `only` that."""
    if len(found) == 1 and found[0] in _ONLY:
        return f"{found[0]} only"
    return ", ".join(found) or "none"


def places(change: BlueprintChange, plan: ChangePlan) -> str:
    """In which environments, when not in all: ` in production`."""
    if set(change.environments) == {None, *plan.environments} or not plan.environments:
        return ""
    return " in " + ", ".join(name or "no environment" for name in change.environments)


def versions(change: BlueprintChange) -> str:
    """`1.0.0 → 1.1.0`."""
    before, after = change.version_before, change.version_after
    if before is None or after is None:
        return before or after or ""
    return after if before == after else f"{before} → {after}"


def step(change: BlueprintChange) -> str:
    """What the change asks for next: `release 1.1.0`, `reconcile 1.0.0`, `raise-version`, `none`."""
    if change.step in (NextStep.RELEASE, NextStep.RECONCILE):
        return f"{change.step} {change.version_after}"
    return str(change.step)


def artifact(found: Artifact | None) -> str:
    """An artifact by backend, recipe and the start of its key."""
    if found is None:
        return "none"
    key = found.key.removeprefix("sha256:")[:12] if found.key else "key unknown"
    return f"{found.backend} {found.recipe} {key}"


def stays(change: CohortChange) -> bool:
    """Whether the artifact is the same before and after."""
    before, after = change.before, change.after
    return before is not None and after is not None and before.key is not None and before.key == after.key


def artifacts(change: CohortChange) -> str:
    """The artifact before and after, or that it stays."""
    if stays(change):
        return f"{artifact(change.after)}, stays"
    return f"{artifact(change.before)} → {artifact(change.after)}"


def figures(change: CohortChange) -> list[Figure]:
    """The numbers worth a look: all of an artifact that changes, of one that stays those with other gates."""
    return [figure for figure in change.figures if not stays(change) or figure.gate_before != figure.gate_after]


def gate(figure: Figure) -> str:
    """What gates demand of a number, and demanded where that was something else: `≤ 290.0 MiB (declared)`."""
    before, after = (_bounds(bounds) for bounds in (figure.gate_before, figure.gate_after))
    if figure.before is None or figure.after is None or before == after:
        said = after or before
    else:
        said = f"{before or 'none'} → {after or 'none'}"
    return f"{said} (declared)" if said else ""


def _bounds(bounds: Bounds | None) -> str:
    if bounds is None:
        return ""
    least, most = ("" if number is None else value(number) for number in (bounds.least, bounds.most))
    return " and ".join(f"{sign} {said}" for sign, said in (("≥", least), ("≤", most)) if said)


def wire(change: CohortChange) -> str:
    """Bytes for one device that is updated, and for one that is new to the target; what nobody needs is left out."""
    fresh = change.devices.added + change.devices.retargeted
    if not change.devices.touched:
        return "nothing"
    if change.before is None or fresh >= change.devices.touched:
        return marked(change.wire.full)
    return marked(change.wire.update) + (f", new {marked(change.wire.full)}" if fresh else "")


def time_of(found: Duration | None) -> str:
    """`10 min 0 s to 1 h 5 min (estimated)` of a roll-out."""
    if found is None:
        return "none"
    least, most = (_long(seconds) for seconds in (found.least_s, found.most_s))
    return f"{least} (estimated)" if least == most else f"{least} to {most} (estimated)"


def _long(seconds: float) -> str:
    if seconds < _TWO_HOURS_S:
        return format_duration(seconds)
    if seconds < _TWO_DAYS_S:
        return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"
    return f"{seconds / 86400:,.1f} days"


def count(number: int, noun: str) -> str:
    """`1 device`, `2,000 devices`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def headline(plan: ChangePlan) -> str:
    """The change in one line; holds no text that a person wrote."""
    if plan.is_empty:
        return "nothing changes for any device"
    changed = len({change.name for change in plan.blueprints})
    parts = [
        f"{count(changed, 'blueprint')} {'changes' if changed == 1 else 'change'}",
        f"{plan.device_totals.touched:,} of {count(plan.device_totals.all, 'device')} "
        f"{'gets' if plan.device_totals.touched == 1 else 'get'} work",
    ]
    totals = [change.wire_total for change in plan.blueprints if change.touched]
    known = [number for number in totals if number is not None]
    if known:
        kind = "measured" if all(number.kind == "measured" for number in known) else "estimated"
        more = "" if len(known) == len(totals) else ", not all known"
        parts.append(f"{format_size(sum(number.value for number in known))} over the wire ({kind}{more})")
    kept = len({change.name for change in plan.blueprints if change.step is NextStep.RAISE_VERSION})
    if kept:
        parts.append(f"{count(kept, 'version')} to raise")
    return ", ".join(parts)


def untouched(plan: ChangePlan) -> str:
    """What stays as it is; holds no text that a person wrote."""
    return ", ".join(
        count(totals.untouched, noun)
        for totals, noun in (
            (plan.blueprint_totals, "blueprint"),
            (plan.cohort_totals, "cohort"),
            (plan.device_totals, "device"),
        )
    )


def revision(found: Revision) -> str:
    """`main (1a2b3c4d5e6f)`."""
    return f"{found.name} ({found.commit[:12]})" if found.commit else found.name


def sample(found: Sample) -> str:
    """Some names, and how many more."""
    rest = found.count - len(found.names)
    return ", ".join(found.names) + (f" … and {rest:,} more" if rest > 0 else "")
