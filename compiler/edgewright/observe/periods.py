"""Periods: what ran on each device, from when to when, as it follows from the rows of the ledger. Pure.

Owns that reading. Must not touch evidence or Git. Invariants: times are when the ledger heard, so a period begins no
earlier than the device was told and ends no later than the device said; periods of one device are in order of their
begin; a release that was tried and left has a period of its own, beside that of the release it returned to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from edgewright.observe.record import Record, Row

Outcome = Literal["confirmed", "unconfirmed", "reverted", "not-activated", "observed"]
Ending = Literal["replaced", "rolled-back", "reverted", "changed-outside"]


_Causes = dict[int, list[Row]]
_MOST_CAUSES = 1000


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a release was left, in the device's own words where it had some."""

    slug: str
    message: str


@dataclass(frozen=True, slots=True)
class Period:
    """One release on one device. `rollout` is None for a release that was found there; `end` None while it runs.

    `measured` are the last numbers of the device's own health check, from `measured_at`."""

    device: str
    blueprint: str
    release: int
    start: str
    end: str | None
    rollout: int | None
    outcome: Outcome
    first_event: int
    last_event: int
    confirmed_at: str | None = None
    renewed_at: tuple[str, ...] = ()
    ended: Ending | None = None
    reason: Reason | None = None
    measured: Mapping[str, float] = field(default_factory=dict)
    measured_at: str | None = None


@dataclass(slots=True)
class _Track:
    """What is known of one device while its rows are read."""

    device: str
    blueprint: str
    told_at: str | None = None
    open: Period | None = None
    done: list[Period] = field(default_factory=list)


def periods_of(record: Record) -> tuple[Period, ...]:
    """All periods of all devices, by blueprint, device and begin."""
    tracks: dict[tuple[str, str], _Track] = {}
    causes = _causes(record)
    for row in record.rows:
        if row.kind == "sent" and row.payload.get("action") == "deploy":
            for device in row.payload["devices"]:
                _track(tracks, row.blueprint, device).told_at = row.at
        elif row.device is not None and row.kind in {"answered", "observed"}:
            _read(_track(tracks, row.blueprint, row.device), row, record, causes)
    found = [period for track in tracks.values() for period in (*track.done, *filter(None, (track.open,)))]
    return tuple(sorted(found, key=lambda period: (period.blueprint, period.device, period.start, period.first_event)))


def _track(tracks: dict[tuple[str, str], _Track], blueprint: str, device: str) -> _Track:
    return tracks.setdefault((blueprint, device), _Track(device, blueprint))


def _causes(record: Record) -> _Causes:
    """By roll-out, the rows that may explain why devices left it, in order."""
    found: _Causes = {}
    for row in record.rows:
        is_failure = row.kind == "answered" and row.payload.get("outcome") == "failed"
        if row.rollout is not None and (is_failure or row.kind == "recalled"):
            found.setdefault(row.rollout, []).append(row)
    return found


def _read(track: _Track, row: Row, record: Record, causes: _Causes) -> None:
    """Take in what a device said."""
    told = row.payload
    rollout = record.rollouts.get(row.rollout) if row.rollout is not None else None
    if rollout is not None and told.get("outcome") == "failed" and told.get("current") != rollout.release:
        _read_failure(track, row, rollout.release)
    if told.get("state") is None:
        return
    current = told.get("current")
    if track.open is not None and track.open.release != current:
        how, reason = _ending(row, record, causes)
        track.done.append(replace(track.open, end=row.at, ended=how, reason=reason, last_event=row.id))
        track.open = None
    if current is None:
        return
    if track.open is None:
        is_of_rollout = rollout is not None and rollout.release == current
        start = (track.told_at or row.at) if is_of_rollout else row.at
        number = row.rollout if is_of_rollout else None
        outcome: Outcome = "unconfirmed" if is_of_rollout else "observed"
        track.open = Period(track.device, track.blueprint, current, start, None, number, outcome, row.id, row.id)
    track.open = _updated(track.open, row, rollout.plan if rollout is not None else {})


def _updated(period: Period, row: Row, plan: Mapping[str, Any]) -> Period:
    """A period after one more answer of the device that still runs its release."""
    told = row.payload
    period = replace(period, last_event=row.id)
    is_confirmed = told.get("confirmed") == period.release and told.get("state") != "active-unconfirmed"
    if is_confirmed and period.confirmed_at is None and period.outcome != "observed":
        period = replace(period, confirmed_at=row.at, outcome="confirmed")
    is_renewal = period.device in plan.get("renewed", ()) and told.get("action") == "confirm"
    if is_renewal and told.get("outcome") == "ok":
        period = replace(period, renewed_at=(*period.renewed_at, row.at))
    if told.get("detail") and told.get("action") in {"deploy", "check"} and told.get("outcome") == "ok":
        period = replace(period, measured=told["detail"], measured_at=row.at)
    return period


def _read_failure(track: _Track, row: Row, release: int) -> None:
    """A release that a device was given and does not run: tried and left, or never activated."""
    told = row.payload
    if told.get("action") not in {"deploy", "check", "confirm"} or (track.open and track.open.release == release):
        return
    was_tried = told.get("denied") is True or told.get("state") == "reverted"
    track.done.append(
        Period(
            device=track.device,
            blueprint=track.blueprint,
            release=release,
            start=track.told_at or row.at,
            end=row.at,
            rollout=row.rollout,
            outcome="reverted" if was_tried else "not-activated",
            first_event=row.id,
            last_event=row.id,
            ended="reverted" if was_tried else None,
            reason=_own_reason(told),
            measured=told.get("detail") or {},
            measured_at=row.at if told.get("detail") else None,
        )
    )


def _ending(row: Row, record: Record, causes: _Causes) -> tuple[Ending, Reason | None]:
    """How the release before came to its end, seen from the answer that names another one."""
    told = row.payload
    if row.kind == "observed" or row.rollout is None:
        is_reverted = told.get("state") == "reverted"
        return ("reverted", None) if is_reverted else ("changed-outside", None)
    if told.get("action") == "rollback":
        return "rolled-back", _why_rolled_back(row, causes)
    if told.get("current") == record.rollouts[row.rollout].release:
        return "replaced", None
    return "reverted", _own_reason(told)


def _own_reason(told: Mapping[str, Any]) -> Reason:
    return Reason(str(told.get("slug") or "reverted"), str(told.get("message") or "the device gave no reason"))


def _why_rolled_back(row: Row, causes: _Causes) -> Reason:
    """A person's recall, or the first failure of the roll-out."""
    earlier = [cause for cause in causes.get(row.rollout or 0, [])[:_MOST_CAUSES] if cause.id < row.id]
    if any(cause.kind == "recalled" for cause in earlier):
        return Reason("recalled", "a person took it back")
    if earlier:
        own = _own_reason(earlier[0].payload)
        return Reason("wave-failed", f"{earlier[0].device}: {own.slug}: {own.message}")
    return Reason("rolled-back", "the ledger has no failure before it")
