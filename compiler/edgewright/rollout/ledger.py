"""The ledger: SQLite in WAL mode, one transaction an event, numbered migrations.

Owns the file and its schema. Must not know what the events mean. Invariants: a row is never changed or deleted (the
database refuses), and every row's digest covers the row before it; an event is on disk before its method returns; a
ledger of a newer edgewright is refused.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from edgewright.kernel.chain import START, link
from edgewright.kernel.clock import now, rfc3339
from edgewright.kernel.diagnostics import ExitCode, fail
from edgewright.kernel.digest import Digest, digest_bytes
from edgewright.rollout.events import KINDS, Answered, Event, event_from_json, event_kind, event_to_json
from edgewright.rollout.plan import RolloutPlan

Decision = Literal["denied", "lifted", "abandoned"]


@dataclass(frozen=True, slots=True)
class _Row:
    """One event as it is written."""

    rollout: int | None
    blueprint: str
    kind: str
    payload: Mapping[str, Any]
    device: str | None = None
    status: str | None = None


@dataclass(frozen=True, slots=True)
class RecordedRollout:
    """One roll-out as the ledger has it. `verdict` is None while it is under way, or was cut off."""

    id: int
    plan: RolloutPlan
    started_at: str
    verdict: str | None


class Ledger:
    """The open ledger of one fleet repository."""

    def __init__(self, path: Path, clock: Callable[[], datetime] = now) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._clock = clock
        try:
            self._database = sqlite3.connect(path, isolation_level=None, timeout=30.0)
            self._require_own()
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=FULL")
            self._database.execute("PRAGMA foreign_keys=ON")
            self._migrate()
        except sqlite3.DatabaseError as error:
            raise fail(
                "ledger-damaged",
                f"{path} cannot be used as a ledger: {error}",
                subject=str(path),
                hint="restore it from a backup, or name another file with --ledger",
            ) from None

    def close(self) -> None:
        """Give the file back."""
        self._database.close()

    @contextmanager
    def exclusive(self, blueprint: str) -> Iterator[None]:
        """Be the only controller of a blueprint; the lock dies with the process, so a killed one leaves none behind."""
        lock = FileLock(self.path.with_name(f"{self.path.name}.{blueprint}.lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise fail(
                "rollout-locked",
                f"another controller is rolling out {blueprint}",
                exit_code=ExitCode.ROLLOUT,
                subject=blueprint,
                hint="wait for it to end; `edgewright status` shows where it is",
            ) from None
        try:
            yield
        finally:
            lock.release()

    def _require_own(self) -> None:
        """Refuse a database that something else made, before anything is written into it."""
        tables = {name for (name,) in self._database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        version = self._database.execute("PRAGMA user_version").fetchone()[0]
        if tables and not (version and "rollouts" in tables):
            self._database.close()
            raise fail(
                "ledger-damaged",
                f"{self.path} is a database, and not a ledger of edgewright",
                subject=str(self.path),
                hint="name another file with --ledger",
            )

    def _migrate(self) -> None:
        scripts = sorted(resources.files("edgewright.rollout").joinpath("migrations").iterdir(), key=lambda p: p.name)
        numbered = [(int(script.name[:4]), script) for script in scripts if script.name.endswith(".sql")]
        version = self._database.execute("PRAGMA user_version").fetchone()[0]
        if version > numbered[-1][0]:
            raise fail(
                "ledger-newer",
                f"{self.path} has schema {version}, this edgewright knows {numbered[-1][0]}",
                subject=str(self.path),
                hint="use the edgewright that wrote it",
            )
        for number, script in numbered:
            if number > version:
                body = script.read_text(encoding="utf-8")
                self._database.executescript(f"BEGIN IMMEDIATE;\n{body}\nPRAGMA user_version={number};\nCOMMIT;")

    def start(
        self,
        plan: RolloutPlan,
        statuses: Mapping[str, str] | None = None,
        evidence: Mapping[str, str] | None = None,
    ) -> int:
        """Record a new roll-out; returns its id.

        `statuses` are those of devices that do not begin as pending; `evidence` names archived documents by digest."""
        text = json.dumps(plan.to_json())
        started = {"plan": digest_bytes(text.encode()), "release": plan.release, "evidence": dict(evidence or {})}
        with self._transaction() as database:
            cursor = database.execute(
                "INSERT INTO rollouts (blueprint, release, version, started_at, plan) VALUES (?, ?, ?, ?, ?)",
                (plan.blueprint, plan.release, plan.version, self._time(), text),
            )
            identity = cursor.lastrowid
            if identity is None:
                raise RuntimeError("sqlite gave no row id for an inserted row")
            database.executemany(
                "INSERT INTO members (rollout_id, device, target, site, wave) VALUES (?, ?, ?, ?, ?)",
                [(identity, device.name, device.target, device.site, device.wave) for device in plan.devices],
            )
            rows = [_Row(identity, plan.blueprint, "started", started)]
            rows += [
                _Row(identity, plan.blueprint, "status", {}, device, status)
                for device, status in (statuses or {}).items()
            ]
            self._add(database, rows)
        return identity

    def append(self, rollout: int, event: Event, statuses: Mapping[str, str]) -> None:
        """Add an event, and a row for each device whose status it changed, so that views need no replay."""
        named = event.device if isinstance(event, Answered) else None
        with self._transaction() as database:
            found = database.execute("SELECT blueprint FROM rollouts WHERE id = ?", (rollout,)).fetchone()
            own = statuses.get(named or "")
            rows = [_Row(rollout, found[0], event_kind(event), event_to_json(event), named, own)]
            rows += [
                _Row(rollout, found[0], "status", {}, device, status)
                for device, status in statuses.items()
                if device != named
            ]
            self._add(database, rows)

    def observe(self, blueprint: str, observations: Mapping[str, Mapping[str, Any]]) -> None:
        """Record what devices told when they were asked outside of a roll-out."""
        with self._transaction() as database:
            rows = [_Row(None, blueprint, "observed", told, device) for device, told in observations.items()]
            self._add(database, rows)

    def devices(self, blueprint: str) -> Mapping[str, int | None]:
        """Every device that a roll-out of a blueprint ever had, with the release that it last confirmed."""
        rows = self._database.execute(
            "SELECT m.device, (SELECT json_extract(e.payload, '$.confirmed') FROM events e"
            " WHERE e.blueprint = ?1 AND e.device = m.device AND e.kind IN ('answered', 'observed')"
            " AND json_extract(e.payload, '$.state') IS NOT NULL ORDER BY e.id DESC LIMIT 1)"
            " FROM members m JOIN rollouts r ON r.id = m.rollout_id WHERE r.blueprint = ?1 GROUP BY m.device",
            (blueprint,),
        )
        return dict(rows.fetchall())

    def _add(self, database: sqlite3.Connection, rows: Sequence[_Row]) -> None:
        """Append rows to the chain, inside a transaction."""
        identity, previous = self._end_of_chain(database)
        at = self._time()
        for row in rows:
            identity += 1
            payload = json.dumps(row.payload, sort_keys=True)
            values = (identity, row.rollout, row.blueprint, at, row.kind, row.device, row.status, payload)
            previous = link(previous, values)
            database.execute(
                "INSERT INTO events (id, rollout_id, blueprint, at, kind, device, status, payload, digest)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*values, previous),
            )

    @staticmethod
    def _end_of_chain(database: sqlite3.Connection) -> tuple[int, Digest]:
        row = database.execute("SELECT id, digest FROM events ORDER BY id DESC LIMIT 1").fetchone()
        if row is None:
            return 0, START
        if row[1] is not None:
            return row[0], row[1]
        # the first row after a migration: it covers all that had no digest
        previous = START
        for values in database.execute(
            "SELECT id, rollout_id, blueprint, at, kind, device, status, payload FROM events ORDER BY id"
        ):
            previous = link(previous, values)
        return row[0], previous

    def events(self, rollout: int) -> list[Event]:
        """All events of a roll-out in order."""
        rows = self._database.execute("SELECT kind, payload FROM events WHERE rollout_id = ? ORDER BY id", (rollout,))
        return [event_from_json(kind, json.loads(payload)) for kind, payload in rows if kind in KINDS]

    def latest(self, blueprint: str) -> RecordedRollout | None:
        """The last roll-out of a blueprint."""
        row = self._database.execute(
            "SELECT id, plan, started_at, verdict FROM latest_rollouts WHERE blueprint = ?", (blueprint,)
        ).fetchone()
        if row is None:
            return None
        return RecordedRollout(row[0], RolloutPlan.from_json(json.loads(row[1])), row[2], row[3])

    def decide(self, decision: Decision, blueprint: str, release: int, reason: str) -> None:
        """Record that a release was denied, or that a person lifted that."""
        with self._transaction() as database:
            database.execute(
                "INSERT INTO decisions (at, kind, blueprint, release, reason, after_event)"
                " SELECT ?, ?, ?, ?, ?, coalesce(max(id), 0) FROM events",
                (self._time(), decision, blueprint, release, reason),
            )
            told = {"decision": decision, "release": release, "reason": reason}
            self._add(database, [_Row(None, blueprint, "decided", told)])

    def decision(self, blueprint: str, release: int) -> tuple[Decision, str] | None:
        """The last decision about a release, with its reason."""
        row = self._database.execute(
            "SELECT kind, reason FROM decisions WHERE blueprint = ? AND release = ? ORDER BY id DESC LIMIT 1",
            (blueprint, release),
        ).fetchone()
        return None if row is None else (row[0], row[1])

    def quarantined(self, blueprint: str, release: int) -> Sequence[str]:
        """Devices that failed a release themselves since it was last lifted."""
        rows = self._database.execute(
            "SELECT DISTINCT e.device FROM events e JOIN rollouts r ON r.id = e.rollout_id"
            " WHERE r.blueprint = ?1 AND r.release = ?2 AND e.kind = 'answered'"
            " AND json_extract(e.payload, '$.denied') = 1"
            " AND e.id > coalesce((SELECT max(after_event) FROM decisions"
            " WHERE kind = 'lifted' AND blueprint = ?1 AND release = ?2), 0) ORDER BY e.device",
            (blueprint, release),
        )
        return [row[0] for row in rows]

    def _time(self) -> str:
        return rfc3339(self._clock())

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield self._database
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")
