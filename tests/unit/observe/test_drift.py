"""A device is in sync only if everything about it is known and nothing differs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgewright.observe.drift import DeviceDrift, Drift, Wanted, compare, unknown_devices
from edgewright.observe.report import DeviceReport, Files, Finding

OLD, NEW = 1_000_000, 1_001_000
HEX, OTHER = "ab" * 32, "cd" * 32
WANTED = Wanted(NEW, HEX, HEX, HEX)
WHOLE = Files((), 0, is_complete=True, manifest=HEX, problem=None)
GOOD = DeviceReport(
    device="d1",
    reach="answered",
    state="confirmed",
    current=NEW,
    confirmed=NEW,
    serves=NEW,
    is_ready=True,
    options=HEX,
    applied_options=HEX,
    signers=HEX,
    files=WHOLE,
)
UNSIGNED = Files((Finding("releases/1/statement.json", "unsigned"),), 0, is_complete=True, manifest=OTHER, problem="no")


def compared(report: DeviceReport, wanted: Wanted = WANTED) -> DeviceDrift:
    return compare(report, wanted, target="x86-64-v3", site="berlin")


CASES: dict[str, tuple[DeviceReport, tuple[str, ...]]] = {
    "as it should be": (GOOD, ()),
    "another release": (replace(GOOD, current=OLD, confirmed=OLD, serves=OLD), ("wrong-release",)),
    "the same number, other content": (replace(GOOD, files=replace(WHOLE, manifest=OTHER)), ("wrong-release",)),
    "documents that nobody signed": (replace(GOOD, files=UNSIGNED), ("changed-file",)),
    "a changed file": (
        replace(GOOD, files=replace(WHOLE, findings=(Finding("artifact/a", "changed"),))),
        ("changed-file",),
    ),
    "not all was compared": (replace(GOOD, files=replace(WHOLE, is_complete=False)), ("unverified",)),
    "other options": (replace(GOOD, options=OTHER), ("changed-options",)),
    "options that are not in effect": (replace(GOOD, applied_options=None), ("changed-options",)),
    "other signers": (replace(GOOD, signers=OTHER), ("changed-options",)),
    "no service": (replace(GOOD, serves=None, is_ready=False), ("stopped-service",)),
    "a service of another release": (replace(GOOD, serves=OLD), ("stopped-service",)),
    "a service that is not ready": (replace(GOOD, is_ready=False), ("stopped-service",)),
    "a red self-test": (replace(GOOD, unhealthy="latency-exceeded: slow"), ("stopped-service",)),
    "new options given up": (replace(GOOD, state="reverted", reverted=(NEW, "confirm-timeout", "late")), ("reverted",)),
    "an activation nobody confirmed": (replace(GOOD, state="active-unconfirmed"), ("unconfirmed",)),
    "a denied release": (replace(GOOD, current=OLD, serves=OLD, denied=frozenset({NEW})), ("denied", "wrong-release")),
    "nothing runs": (replace(GOOD, current=None, serves=None, state="idle", files=None), ("wrong-release",)),
    "no answer": (DeviceReport("d1", "absent", "unreachable", "no route"), ("absent",)),
    "another host key": (DeviceReport("d1", "failed", "host-key-changed", "another key"), ("failed",)),
    "nothing was ever delivered": (DeviceReport("d1", "none"), ("new",)),
}
MENDED = {
    "another release": False,
    "documents that nobody signed": True,
    "a changed file": True,
    "other options": True,
    "options that are not in effect": True,
    "other signers": True,
    "no service": True,
    "a service of another release": True,
    "a service that is not ready": True,
    "a red self-test": True,
    "new options given up": True,
    "nothing runs": False,
    "nothing was ever delivered": False,
}


@pytest.mark.parametrize("case", CASES)
def test_each_difference_has_its_name_and_what_can_be_mended_is(case: str) -> None:
    report, kinds = CASES[case]
    found = compared(report)
    assert found.kinds == kinds
    assert found.is_in_sync == (not kinds)
    drift = Drift("shop", NEW, "1.1.0", "2026-11-23T12:00:00Z", (found,))
    assert drift.to_reconcile() == ({"d1": MENDED[case]} if case in MENDED else {})
    assert replace(drift, denied="wave 01-canary failed").to_reconcile() == {}


def test_a_device_says_why_it_left_the_release() -> None:
    report = replace(GOOD, current=OLD, serves=OLD, reverted=(NEW, "health-failed", "vector-mismatch: no"))
    [difference] = compared(report).differences
    assert difference.message == "it runs 1.0.0, should run 1.1.0 (health-failed: vector-mismatch: no)"


def test_a_device_that_keeps_its_own_release_is_compared_with_that_alone() -> None:
    report = replace(GOOD, current=OLD, serves=OLD, denied=frozenset({NEW}), options=OTHER)
    assert compared(report, Wanted(OLD)).is_in_sync
    assert compared(replace(report, current=None, serves=None, files=None), Wanted(None)).is_in_sync


def test_devices_that_the_fleet_lacks_are_unknown() -> None:
    [found] = unknown_devices(["d1", "d2"], ["d2", "d3"])
    assert (found.device, found.kinds, found.runs) == ("d1", ("unknown",), None)
