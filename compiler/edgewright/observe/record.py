"""The ledger as evidence: every row, read-only, with its hash chain verified.

Owns the verification. Must not interpret what rows mean for a device. Invariants: nothing of a ledger whose chain is
broken is returned; rows from before the chain are covered by the first digest after them. A chain cannot show that its
last rows were cut off; `head` is what to write down elsewhere for that.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgewright.kernel.chain import START, link
from edgewright.kernel.diagnostics import EdgewrightError, fail
from edgewright.kernel.digest import Digest, digest_bytes
from edgewright.observe.status import open_ledger

_EVENTS = "SELECT id, rollout_id, blueprint, at, kind, device, status, payload, digest FROM events ORDER BY id"


@dataclass(frozen=True, slots=True)
class Row:
    """One event of the ledger."""

    id: int
    rollout: int | None
    blueprint: str
    at: str
    kind: str
    device: str | None
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RecordedStart:
    """A roll-out: what was planned, and which archived documents vouch for it (none if it is older)."""

    id: int
    blueprint: str
    release: int
    version: str
    started_at: str
    plan: Mapping[str, Any]
    evidence: Mapping[str, Digest]


@dataclass(frozen=True, slots=True)
class Record:
    """A whole verified ledger; `head` is the digest of its last row."""

    rows: tuple[Row, ...]
    rollouts: Mapping[int, RecordedStart]
    head: Digest


def read_record(ledger: Path) -> Record:
    """Every row; raises `ledger-tampered` naming the first row that does not follow from those before it."""
    database = open_ledger(ledger)
    try:
        if database.execute("PRAGMA user_version").fetchone()[0] < 2:
            raise fail(
                "ledger-older",
                f"{ledger} has no hash chain yet",
                subject=str(ledger),
                hint="open it once with an edgewright that may write it: rollout, drift or audit",
            )
        rows, head = _verified_rows(database, ledger)
        rollouts = _rollouts(database, ledger, rows)
    except (sqlite3.DatabaseError, ValueError, TypeError, KeyError) as error:
        raise _tampered(ledger, f"cannot be read: {type(error).__name__} {error}") from None
    finally:
        database.close()
    return Record(rows, rollouts, head)


def _verified_rows(database: sqlite3.Connection, ledger: Path) -> tuple[tuple[Row, ...], Digest]:
    rows: list[Row] = []
    previous, is_chained = START, False
    for *values, digest in database.execute(_EVENTS):
        previous = link(previous, values)
        is_chained |= digest is not None
        if is_chained and digest != previous:
            raise _tampered(
                ledger, f"was changed: event {values[0]} of {values[3]} does not follow from those before it"
            )
        if values[0] != len(rows) + 1:
            raise _tampered(ledger, f"was changed: event {len(rows) + 1} is missing")
        number, rollout, blueprint, at, kind, device, _, payload = values
        rows.append(Row(number, rollout, blueprint, at, kind, device, json.loads(payload)))
    return tuple(rows), previous


def _rollouts(database: sqlite3.Connection, ledger: Path, rows: tuple[Row, ...]) -> dict[int, RecordedStart]:
    """Roll-outs; the event that started one holds the digest of its plan."""
    started = {row.rollout: row for row in rows if row.kind == "started"}
    first_chained = min((number for number in started if number is not None), default=0)
    found = {}
    for number, blueprint, release, version, at, text in database.execute(
        "SELECT id, blueprint, release, version, started_at, plan FROM rollouts ORDER BY id"
    ):
        event = started.pop(number, None)
        is_as_planned = event is not None and event.payload["plan"] == digest_bytes(text.encode())
        if not is_as_planned and (event is not None or number > first_chained > 0):
            raise _tampered(ledger, f"was changed: the plan of roll-out {number} is not the one it was started with")
        plan = json.loads(text)
        if (plan["blueprint"], plan["release"], plan["version"]) != (blueprint, release, version):
            raise _tampered(ledger, f"was changed: roll-out {number} is not of the release that was planned")
        evidence = {} if event is None else dict(event.payload.get("evidence", {}))
        found[number] = RecordedStart(number, blueprint, release, version, at, plan, evidence)
    if started:
        raise _tampered(ledger, f"was changed: roll-out {min(filter(None, started))} is missing")
    return found


def _tampered(ledger: Path, what: str) -> EdgewrightError:
    return fail(
        "ledger-tampered",
        f"{ledger} {what}",
        subject=str(ledger),
        hint="restore it from a backup, and find out who changed it; nothing of it was used",
    )
