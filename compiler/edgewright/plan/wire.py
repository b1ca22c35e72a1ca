"""What a change costs: bytes over the wire, room on the disk, time of the roll-out. Pure arithmetic, formulas in words.

- wire, of a device that runs the release before: the files of the artifact after, and runtime wheels, that it lacks.
  Files are compared by digest; where the files of a side are not known, the whole artifact counts: an upper bound.
- headroom = disk of the target - (release before + release after): a new release is staged while the old one stays
- duration = transfer + soaks, at least; with confirmTimeout for every batch, at most. A batch is `maxUnavailable`
  devices; the transfer assumes one uplink of `LINK_BITS_PER_S` at the controller for all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from edgewright.kernel.units import format_duration, format_size
from edgewright.plan.change import Duration, Wire
from edgewright.plan.numbers import Number, NumberKind
from edgewright.plan.reach import WaveForecast
from edgewright.plan.sides import CohortSide
from edgewright.spec.v1beta1.blueprint import RolloutSpec

LINK_BITS_PER_S = 100e6
"""Assumed uplink of the controller: 100BASE-TX, the slowest link that office networks still have."""


def wire(before: CohortSide | None, after: CohortSide, *, updated: int, fresh: int) -> Wire:
    """Bytes for `updated` devices that run `before`, and for `fresh` ones that have nothing."""
    full = _bytes(None, after)
    update = _bytes(before, after) if before is not None else full
    if full is None or update is None:
        return Wire(update, full, None)
    total = updated * update.value + fresh * full.value
    used = [number for number, count in ((update, updated), (full, fresh)) if count]
    kind: NumberKind = "measured" if all(n.kind == "measured" for n in used) else "estimated"
    terms = [f"{updated:,} x {format_size(update.value)}"] if updated else []
    terms += [f"{fresh:,} x {format_size(full.value)}"] if fresh else []
    return Wire(update, full, Number(total, "B", kind, " + ".join(terms) or "no device is touched"))


def _bytes(before: CohortSide | None, after: CohortSide) -> Number | None:
    wheels = {wheel.digest: wheel.size for wheel in after.wheels or ()}
    old_wheels = {wheel.digest for wheel in before.wheels or ()} if before is not None else set()
    runtime = sum(size for digest, size in wheels.items() if digest not in old_wheels)
    has_artifact = before is not None and before.artifact is not None and before.artifact == after.artifact
    words = f"runtime {format_size(runtime)} (lock)" if after.wheels is not None else "without the runtime (no lock)"
    is_exact = after.wheels is not None and (before is None or before.wheels is not None)
    if has_artifact:
        return Number(runtime, "B", "measured" if is_exact else "estimated", f"the artifact stays + {words}")
    if after.blobs is not None:
        known = before.blobs if before is not None and before.blobs is not None else {}
        artifact = sum(size for digest, size in after.blobs.items() if digest not in known)
        is_exact = is_exact and (before is None or before.blobs is not None)
        what = "new files of the artifact" if known else "all files of the artifact"
        kind: NumberKind = "measured" if is_exact else "estimated"
        return Number(artifact + runtime, "B", kind, f"{what} {format_size(artifact)} + {words}")
    size = after.numbers.get("artifact_size")
    if size is None:
        return None
    return Number(
        size.value + runtime, "B", "estimated", f"at most: the whole artifact {format_size(size.value)} + {words}"
    )


def headroom(before: CohortSide | None, after: CohortSide) -> Number | None:
    """Bytes of the target's disk that two releases at a time leave; negative when they do not fit."""
    if after.disk is None:
        return None
    old = before.disk if before is not None and before.disk is not None else None
    disk = after.target.disk
    first = old.value if old is not None else after.disk.value
    words = (
        f"disk {format_size(disk)} - (before {format_size(first)} + after {format_size(after.disk.value)})"
        if old is not None
        else f"disk {format_size(disk)} - 2 x {format_size(first)}"
    )
    return Number(disk - first - after.disk.value, "B", "estimated", words)


def duration(rollout: RolloutSpec, waves: Sequence[WaveForecast], total: Number | None) -> Duration | None:
    """Time of a roll-out over the touched devices when nothing fails; None when nothing is touched."""
    if not waves:
        return None
    batches = sum(math.ceil(wave.touched / rollout.max_unavailable) for wave in waves)
    soaks = len(waves) - 1
    transfer = total.value * 8 / LINK_BITS_PER_S if total is not None else 0.0
    least = soaks * rollout.soak + transfer
    most = least + batches * rollout.confirm_timeout
    sent = f"{format_size(total.value)} at 100 Mbit/s (assumed)" if total is not None else "transfer of unknown size"
    formula = (
        f"{sent} + {soaks} x soak {format_duration(rollout.soak)}; at most + {batches:,} x confirmTimeout "
        f"{format_duration(rollout.confirm_timeout)} (batches of {rollout.max_unavailable:,})"
    )
    return Duration(least, most, formula)
