"""The audit trail: one self-contained record for every period on every device (`edgewright-audit/1`).

Owns the form of the records; docs/observing.md describes it. Must not write. Invariants: every record says what vouches
for it, or that nothing does; a text that came from a device or a commit is one printable line; times are UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from edgewright.kernel.diagnostics import Diagnostic
from edgewright.kernel.units import version_of
from edgewright.observe.evidence import Evidence, read_evidence
from edgewright.observe.merges import commit_facts
from edgewright.observe.periods import Period, periods_of
from edgewright.observe.record import RecordedStart, read_record
from edgewright.observe.report import shown
from edgewright.package.archive import EvidenceArchive

FORMAT: Final = "edgewright-audit/1"
_LONGEST_TEXT = 500


@dataclass(frozen=True, slots=True)
class Audit:
    """Records in the order of blueprint, device and time; `problems` are what could not be verified."""

    records: tuple[Mapping[str, Any], ...]
    problems: tuple[Diagnostic, ...]
    head: str


def audit(ledger: Path, repository: Path, *, blueprints: Iterable[str] = (), device: str | None = None) -> Audit:
    """The trail of a ledger. Raises `ledger-tampered` when its hash chain is broken: then nothing of it is told."""
    record = read_record(ledger)
    wanted = set(blueprints)
    periods = [
        period
        for period in periods_of(record)
        if (not wanted or period.blueprint in wanted) and device in {None, period.device}
    ]
    verdicts = {row.rollout: row.payload["verdict"] for row in record.rows if row.kind == "finished"}
    planned = {number: {d["name"]: d for d in rollout.plan["devices"]} for number, rollout in record.rollouts.items()}
    archive = EvidenceArchive.beside(ledger)
    evidence: dict[int, Evidence] = {}
    commits: dict[str, Any] = {}
    records = []
    for period in periods:
        rollout = record.rollouts[period.rollout] if period.rollout is not None else None
        vouched = Evidence(None)
        if rollout is not None:
            if rollout.id not in evidence:
                evidence[rollout.id] = read_evidence(archive, rollout)
            vouched = evidence[rollout.id]
        if vouched.commit is not None and vouched.commit not in commits:
            commits[vouched.commit] = commit_facts(repository, vouched.commit)
        commit = None if vouched.commit is None else asdict(commits[vouched.commit])
        device_plan: Mapping[str, Any] = planned.get(period.rollout or 0, {}).get(period.device, {})
        started = None if rollout is None else _rollout(rollout, device_plan, verdicts.get(rollout.id))
        records.append(_record(period, started, device_plan, vouched, commit, record.head))
    problems = {problem: None for found in evidence.values() for problem in found.problems}
    return Audit(tuple(_plain(entry) for entry in records), tuple(problems), record.head)


def at(records: Iterable[Mapping[str, Any]], moment: str) -> list[Mapping[str, Any]]:
    """What ran at a moment (`2026-11-23T12:00:00Z`): one record for every device and blueprint among the records.

    While a release is being tried, its record wins over that of the release it may return to."""
    running: dict[tuple[str, str], Mapping[str, Any] | None] = {}
    for entry in records:
        key = (entry["blueprint"], entry["device"])
        running.setdefault(key, None)
        has_run = entry["outcome"] != "not-activated"
        if has_run and entry["from"] <= moment and (entry["to"] is None or moment < entry["to"]):
            running[key] = entry
    return [
        entry if entry is not None else nothing_known(device, moment, blueprint)
        for (blueprint, device), entry in running.items()
    ]


def nothing_known(device: str, moment: str, blueprint: str | None = None) -> Mapping[str, Any]:
    """The answer for a moment of which the ledger says nothing."""
    return {"format": FORMAT, "record": "nothing-known", "device": device, "blueprint": blueprint, "at": moment}


def _record(
    period: Period,
    rollout: Mapping[str, Any] | None,
    planned: Mapping[str, Any],
    evidence: Evidence,
    commit: Mapping[str, Any] | None,
    head: str,
) -> dict[str, Any]:
    target = planned.get("target")
    return {
        "format": FORMAT,
        "record": "period",
        "device": period.device,
        "blueprint": period.blueprint,
        "target": target,
        "site": planned.get("site"),
        "from": period.start,
        "to": period.end,
        "release": period.release,
        "version": version_of(period.release),
        "outcome": period.outcome,
        "confirmed_at": period.confirmed_at,
        "renewed_at": list(period.renewed_at),
        "ended": period.ended,
        "reason": None if period.reason is None else asdict(period.reason),
        "rollout": rollout,
        "statement": _statement(evidence),
        "commit": commit,
        "gates": _gates(period, evidence, target),
        "ledger": {"first_event": period.first_event, "last_event": period.last_event, "head": head},
    }


def _rollout(rollout: RecordedStart, planned: Mapping[str, Any], verdict: str | None) -> dict[str, Any]:
    return {
        "id": rollout.id,
        "started_at": rollout.started_at,
        "wave": planned.get("wave"),
        "verdict": verdict,
    }


def _statement(evidence: Evidence) -> dict[str, Any] | None:
    if evidence.statement is None:
        return None
    return {
        "digest": evidence.statement,
        "verified": not evidence.problems,
        "signed_by": evidence.signed_by,
        "created": evidence.created,
        "expires": evidence.expires,
        "documents": dict(evidence.documents or {}),
        "problems": [f"{problem.slug}: {problem.message}" for problem in evidence.problems],
    }


def _gates(period: Period, evidence: Evidence, target: str | None) -> list[dict[str, Any]]:
    """Build gates with the numbers that were signed; device gates with what the device measured at its health check."""
    found = [dict(gate) for gate in (evidence.gates or {}).get(target or "", ())]
    for name in evidence.on_device:
        owner, _, metric = name.partition("/")
        if owner != target:
            continue
        value = period.measured.get(metric)
        passed = period.confirmed_at is not None and value is not None
        found.append(
            {
                "metric": metric,
                "where": "device",
                "value": value,
                "measured_at": period.measured_at,
                "verdict": "pass" if passed else "unknown",
            }
        )
    return found


def _plain(value: Any) -> Any:
    """The same value with every text made one printable line."""
    if isinstance(value, str):
        return shown(value, _LONGEST_TEXT)
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value
