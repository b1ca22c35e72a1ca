"""Status: what every device of a blueprint runs, as the ledger last heard it.

Owns the reading side of the ledger, which is opened read-only. Must not connect to a device nor write. Invariant: every
number shown comes with when it was heard; what was never heard is shown as unknown, not as zero.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgewright.kernel.diagnostics import EdgewrightError, ExitCode, fail

WELL = frozenset({"confirmed", "soaked"})


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """One device. Releases are numbers; `running` is None when it never told; `latency_s` was measured on it.

    `differences` are of the last observation, unless the device was deployed to since."""

    blueprint: str
    device: str
    target: str
    site: str
    wave: int
    rollout_release: int
    rollout_version: str
    status: str
    state: str | None
    running: int | None
    confirmed: int | None
    latency_s: float | None
    measurements: Mapping[str, float]
    last_seen: str | None
    complaint: str | None
    complaint_message: str | None
    last_observed: str | None = None
    differences: tuple[str, ...] = ()

    @property
    def is_well(self) -> bool:
        """Whether the device confirmed the release of the last roll-out, and nothing was found since that differs."""
        return self.status in WELL and self.running == self.rollout_release and not self.differences


@dataclass(frozen=True, slots=True)
class RolloutStatus:
    """The last roll-out of a blueprint. `verdict` is None while it is under way, or was cut off."""

    blueprint: str
    release: int
    version: str
    started_at: str
    verdict: str | None
    devices: tuple[DeviceStatus, ...]


def open_ledger(ledger: Path) -> sqlite3.Connection:
    """The ledger, read-only; raises `no-ledger` when nothing was ever rolled out from here."""
    if not ledger.is_file():
        raise fail(
            "no-ledger",
            f"{ledger} does not exist: nothing was rolled out from here",
            exit_code=ExitCode.MISSING,
            subject=str(ledger),
            hint="start with edgewright rollout, or name the ledger with --ledger",
        )
    try:
        return sqlite3.connect(f"{ledger.resolve().as_uri()}?mode=ro", uri=True, timeout=30.0)
    except sqlite3.DatabaseError as error:
        raise _damaged(ledger, error) from None


def _damaged(ledger: Path, error: sqlite3.DatabaseError) -> EdgewrightError:
    hint = "let this user write to it and its folder, restore it from a backup, or name another file with --ledger"
    return fail("ledger-damaged", f"{ledger} cannot be read: {error}", subject=str(ledger), hint=hint)


def read_status(ledger: Path, blueprints: Sequence[str] = ()) -> tuple[RolloutStatus, ...]:
    """The last roll-out of each blueprint; raises `no-ledger` when nothing was ever rolled out from here."""
    database = open_ledger(ledger)
    try:
        database.row_factory = sqlite3.Row
        rollouts = database.execute("SELECT * FROM latest_rollouts ORDER BY blueprint").fetchall()
        return tuple(_rollout(database, row) for row in rollouts if not blueprints or row["blueprint"] in blueprints)
    except sqlite3.DatabaseError as error:
        raise _damaged(ledger, error) from None
    finally:
        database.close()


def _rollout(database: sqlite3.Connection, row: sqlite3.Row) -> RolloutStatus:
    devices = database.execute(
        "SELECT * FROM device_states WHERE blueprint = ? ORDER BY wave, device", (row["blueprint"],)
    )
    return RolloutStatus(
        row["blueprint"],
        row["release"],
        row["version"],
        row["started_at"],
        row["verdict"],
        tuple(_device(device) for device in devices),
    )


def _differences(row: sqlite3.Row) -> tuple[str, ...]:
    """Kinds of difference of the last observation; a ledger from before observations has none."""
    text = row["differences"] if "differences" in row.keys() else None  # noqa: SIM118 - a row's values
    return tuple(dict.fromkeys(str(entry["kind"]) for entry in json.loads(text or "[]")))


def _device(row: sqlite3.Row) -> DeviceStatus:
    answer: dict[str, Any] = json.loads(row["last_answer"] or "{}")
    complaint: dict[str, Any] = json.loads(row["last_complaint"] or "{}")
    measured: dict[str, float] = json.loads(row["last_measured"] or "{}")
    return DeviceStatus(
        blueprint=row["blueprint"],
        device=row["device"],
        target=row["target"],
        site=row["site"],
        wave=row["wave"],
        rollout_release=row["release"],
        rollout_version=row["version"],
        status=row["status"] or "pending",
        state=answer.get("state"),
        running=answer.get("current"),
        confirmed=answer.get("confirmed"),
        latency_s=measured.get("latency_median"),
        measurements=measured,
        last_seen=row["last_seen"],
        complaint=complaint.get("slug"),
        complaint_message=complaint.get("message"),
        last_observed=row["last_observed"] if "last_observed" in row.keys() else None,  # noqa: SIM118 - a row's values
        differences=_differences(row),
    )
