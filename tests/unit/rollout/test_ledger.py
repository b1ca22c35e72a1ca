"""The ledger keeps what it is told, refuses to forget, and shows it to a reader."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.rollout.simulation import NEW, OLD, Simulation, plan_of, simulate

from edgewright.kernel.diagnostics import EdgewrightError
from edgewright.kernel.units import version_of
from edgewright.observe.status import read_status
from edgewright.rollout.controller import begin, replay
from edgewright.rollout.drive import Drive
from edgewright.rollout.events import (
    Answered,
    Event,
    Finished,
    Polled,
    Recalled,
    Resumed,
    Sent,
    Soaked,
    event_from_json,
    event_kind,
    event_to_json,
)
from edgewright.rollout.ledger import Ledger
from edgewright.rollout.plan import RolloutPlan


class Reach:
    """The simulated fleet behind the drive's interface."""

    def __init__(self, simulation: Simulation) -> None:
        self.devices = simulation.devices

    def perform(self, command: object) -> list[Answered]:
        return [self.devices[n].answer(n, command.action) for n in command.devices]  # type: ignore[attr-defined]


def driven(ledger: Ledger, simulation: Simulation) -> int:
    rollout = ledger.start(simulation.plan)
    Drive(ledger, rollout, Reach(simulation), sleep=lambda _: None).run(begin(simulation.plan))
    return rollout


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "state" / "ledger.db")


names = st.text("abc-", min_size=1, max_size=8)
events = st.one_of(
    st.builds(Sent, st.sampled_from(["deploy", "confirm"]), st.lists(names, max_size=3).map(tuple)),
    st.builds(
        Answered,
        names,
        st.sampled_from(["deploy", "check", "observe"]),
        st.sampled_from(["ok", "failed", "unreachable"]),
        st.none() | st.text(max_size=20),
        message=st.none() | st.text(max_size=20),
        current=st.none() | st.integers(0, 10**9),
        denied=st.booleans(),
        detail=st.dictionaries(names, st.floats(allow_nan=False, allow_infinity=False), max_size=2),
    ),
    st.builds(Soaked, st.integers(1, 9)),
    st.just(Resumed()),
    st.just(Polled()),
    st.builds(Recalled, st.lists(names, max_size=3).map(tuple)),
    st.builds(Finished, st.sampled_from(["confirmed", "waiting"])),
)


@given(events)
def test_an_event_read_back_is_the_one_that_was_written(event: Event) -> None:
    assert event_from_json(event_kind(event), json.loads(json.dumps(event_to_json(event)))) == event


def test_plan_read_back_is_the_one_that_was_written() -> None:
    plan = plan_of(1, 3, 2, quarantined=("b1",))
    assert RolloutPlan.from_json(plan.to_json()) == plan


def test_rollout_replayed_from_the_ledger_is_the_state_that_was_reached(ledger: Ledger) -> None:
    simulation = simulate(plan_of(1, 2), b1={"healthy": False})
    rollout = driven(ledger, simulation)
    recorded = ledger.latest("shop")
    assert recorded is not None
    state = replay(recorded.plan, ledger.events(rollout))
    assert (state.verdict, recorded.verdict) == ("rolled-back", "rolled-back")
    assert state.devices["b0"].status == "rolled-back"


def test_ledger_is_append_only(ledger: Ledger) -> None:
    driven(ledger, simulate(plan_of(1)))
    database = sqlite3.connect(ledger.path)
    for statement in ("UPDATE events SET kind = 'x'", "DELETE FROM events"):
        with pytest.raises(sqlite3.DatabaseError, match="append-only"):
            database.execute(statement)
    database.close()


def test_device_that_failed_is_quarantined_until_it_is_lifted(ledger: Ledger) -> None:
    driven(ledger, simulate(plan_of(1, 2, allowed_failures=1), b1={"healthy": False}))
    assert ledger.quarantined("shop", NEW) == ["b1"]
    ledger.decide("lifted", "shop", NEW, "looked into")
    assert ledger.quarantined("shop", NEW) == []
    assert ledger.decision("shop", NEW) == ("lifted", "looked into")


def test_second_controller_is_refused_while_the_first_works(ledger: Ledger, tmp_path: Path) -> None:
    other = Ledger(ledger.path)
    with (
        ledger.exclusive("shop"),
        pytest.raises(EdgewrightError, match="another controller"),
        other.exclusive("shop"),
    ):
        pass
    with other.exclusive("shop"):
        pass


def test_database_of_something_else_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    foreign = tmp_path / "accounts.db"
    database = sqlite3.connect(foreign)
    database.execute("CREATE TABLE accounts (name TEXT)")
    database.commit()
    database.close()
    before = foreign.read_bytes()
    with pytest.raises(EdgewrightError, match="not a ledger"):
        Ledger(foreign)
    assert foreign.read_bytes() == before


def test_damaged_and_newer_ledgers_are_refused(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(b"not a database, and long enough to be looked at" * 100)
    with pytest.raises(EdgewrightError) as refused:
        Ledger(damaged)
    assert refused.value.diagnostics[0].slug == "ledger-damaged"
    newer = tmp_path / "newer.db"
    database = sqlite3.connect(newer)
    database.execute("PRAGMA user_version=99")
    database.close()
    with pytest.raises(EdgewrightError) as refused:
        Ledger(newer)
    assert refused.value.diagnostics[0].slug == "ledger-newer"


def test_status_shows_what_every_device_runs(ledger: Ledger) -> None:
    driven(ledger, simulate(plan_of(1, 2), b0={"reachable": False}))
    [rollout] = read_status(ledger.path)
    rows = {device.device: device for device in rollout.devices}
    assert rollout.verdict == "waiting"
    assert (rows["a0"].status, rows["a0"].running) == ("confirmed", NEW)
    assert (rows["b0"].status, rows["b0"].running, rows["b0"].last_seen) == ("absent", None, None)
    assert rows["b0"].complaint == "unreachable"


def test_status_tells_what_a_reverted_device_still_runs(ledger: Ledger) -> None:
    driven(ledger, simulate(plan_of(1, 1), a0={"healthy": False}))
    [rollout] = read_status(ledger.path)
    rows = {device.device: device for device in rollout.devices}
    assert (rows["a0"].status, rows["a0"].running, rows["a0"].complaint) == ("failed", OLD, "service-unhealthy")
    assert (rows["b0"].status, rows["b0"].running) == ("pending", None)


def test_status_without_a_ledger_says_so(tmp_path: Path) -> None:
    with pytest.raises(EdgewrightError) as refused:
        read_status(tmp_path / "ledger.db")
    assert refused.value.diagnostics[0].slug == "no-ledger"
    assert version_of(1_004_000) == "1.4.0"


def test_drive_waits_for_absent_devices_as_long_as_it_is_told(ledger: Ledger) -> None:
    simulation = simulate(plan_of(1, 1), b0={"reachable": False})
    clock = [0.0]

    def sleep(seconds: float) -> None:
        clock[0] += seconds
        if clock[0] >= 15:
            simulation.devices["b0"].reachable = True

    drive = Drive(ledger, ledger.start(simulation.plan), Reach(simulation), wait_s=60.0, sleep=sleep)
    drive.monotonic = lambda: clock[0]
    assert drive.run(begin(simulation.plan)).verdict == "confirmed"
    assert 15 <= clock[0] < 60
