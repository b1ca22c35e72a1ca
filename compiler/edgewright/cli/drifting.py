"""Asking a fleet and comparing: what `drift` and `reconcile` share.

Owns the way from what devices told to a `Drift`, which is written to the ledger before anything is done with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from edgewright.kernel.clock import now, rfc3339
from edgewright.kernel.digest import hex_of
from edgewright.observe.drift import DeviceDrift, Drift, Wanted, compare, unknown_devices
from edgewright.observe.report import DeviceReport, read_report
from edgewright.rollout.session import Asked, RolloutSession

_OUTCOMES = {"answered": "ok", "none": "ok", "absent": "unreachable", "failed": "failed"}


def find_drift(session: RolloutSession, on: Sequence[str]) -> Drift:
    """Ask the devices, compare, record what was found. Devices that the fleet lacks are named unless `on` selects."""
    asked = session.ask(on=on)
    recorded = session.ledger.devices(session.name)
    decision = session.ledger.decision(session.name, asked.release.number)
    denied = decision[1] if decision is not None and decision[0] == "denied" else None
    passed_by = set(session.ledger.quarantined(session.name, asked.release.number))
    reports = {t.device: read_report(t.device, t.reach, t.answer, t.slug, t.message) for t in asked.told}
    found = []
    for device in asked.devices:
        keeps_its_own = denied is not None or device.name in passed_by
        wanted = Wanted(recorded.get(device.name)) if keeps_its_own else _wanted(asked, device.name, device.target)
        found.append(compare(reports[device.name], wanted, target=device.target, site=device.site))
    session.ledger.observe(session.name, {entry.device: _recorded(entry, reports[entry.device]) for entry in found})
    if not on:
        found += unknown_devices(list(recorded), [device.name for device in asked.devices])
    release = asked.release
    return Drift(session.name, release.number, release.version, rfc3339(now()), tuple(found), denied)


def _wanted(asked: Asked, device: str, target: str) -> Wanted:
    return Wanted(
        release=asked.release.number,
        manifest=hex_of(asked.release.targets[target].manifest_digest),
        options=asked.options[device],
        signers=asked.signers,
    )


def _recorded(drift: DeviceDrift, report: DeviceReport) -> dict[str, Any]:
    """The observation as the ledger has it."""
    return {
        "outcome": _OUTCOMES[report.reach],
        "state": "idle" if report.reach == "none" else report.state,
        "current": report.current,
        "confirmed": report.confirmed,
        "should": drift.should,
        "differences": [
            {
                "kind": difference.kind,
                "message": difference.message,
                "files": [asdict(finding) for finding in difference.files],
            }
            for difference in drift.differences
        ],
    }


def drift_json(drift: Drift) -> dict[str, Any]:
    """A drift as it is printed for machines."""
    document = asdict(drift)
    for device, entry in zip(drift.devices, document["devices"], strict=True):
        entry["in_sync"] = device.is_in_sync
    return document
