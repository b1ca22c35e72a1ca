"""The trail: what ran where and when follows from the ledger, and a ledger that was touched says so."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest
from tests.unit.rollout.simulation import NEW, OLD, Simulation, plan_of, simulate

from edgewright.cli.main import run
from edgewright.kernel.diagnostics import EdgewrightError
from edgewright.observe import audit as trail
from edgewright.observe.periods import Period, periods_of
from edgewright.observe.record import read_record
from edgewright.observe.status import read_status
from edgewright.package.archive import EvidenceArchive
from edgewright.rollout.controller import advance, begin
from edgewright.rollout.drive import Drive
from edgewright.rollout.events import Answered, Recalled, Tell
from edgewright.rollout.ledger import Ledger

T0 = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Reach:
    """The simulated fleet behind the drive's interface."""

    def __init__(self, simulation: Simulation) -> None:
        self.devices = simulation.devices

    def perform(self, command: Tell) -> list[Answered]:
        return [self.devices[name].answer(name, command.action) for name in command.devices]


class Clock:
    """A minute passes whenever it is asked."""

    def __init__(self) -> None:
        self.now = T0

    def __call__(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "state" / "ledger.db", Clock())


def driven(ledger: Ledger, simulation: Simulation) -> int:
    rollout = ledger.start(simulation.plan)
    Drive(ledger, rollout, Reach(simulation), sleep=lambda _: None).run(begin(simulation.plan))
    return rollout


def periods(ledger: Ledger) -> dict[str, list[Period]]:
    found: dict[str, list[Period]] = {}
    for period in periods_of(read_record(ledger.path)):
        found.setdefault(period.device, []).append(period)
    return found


def test_a_confirmed_release_runs_until_now(ledger: Ledger) -> None:
    driven(ledger, simulate(plan_of(1, 1)))
    [period] = periods(ledger)["a0"]
    assert (period.release, period.outcome, period.end, period.rollout) == (NEW, "confirmed", None, 1)
    assert period.confirmed_at is not None
    assert period.start < period.confirmed_at


def test_a_release_that_was_tried_and_left_has_the_device_s_own_reason(ledger: Ledger) -> None:
    driven(ledger, simulate(plan_of(1, 2), b1={"healthy": False}))
    found = periods(ledger)
    tried, back = sorted(found["b1"], key=lambda period: -period.release)
    assert (tried.release, tried.outcome, tried.ended) == (NEW, "reverted", "reverted")
    assert tried.reason is not None
    assert tried.reason.slug == "service-unhealthy"
    assert (back.release, back.outcome, back.end) == (OLD, "observed", None)
    mate = found["b0"][0]
    assert (mate.release, mate.ended) == (NEW, "rolled-back")
    assert mate.reason is not None
    assert mate.reason.message.startswith("b1: service-unhealthy")


def test_a_recall_by_a_person_is_named(ledger: Ledger) -> None:
    simulation = simulate(plan_of(1))
    rollout = ledger.start(simulation.plan)
    drive = Drive(ledger, rollout, Reach(simulation), sleep=lambda _: None)
    state = drive.run(begin(simulation.plan))
    ledger.append(rollout, Recalled(("a0",)), {})
    drive.run(advance(state, Recalled(("a0",))))
    left = periods(ledger)["a0"][0]
    assert (left.release, left.outcome, left.ended) == (NEW, "confirmed", "rolled-back")
    assert left.reason is not None
    assert left.reason.slug == "recalled"


def test_a_release_that_appeared_outside_of_a_rollout_is_found_and_not_vouched_for(ledger: Ledger) -> None:
    driven(ledger, simulate(plan_of(1)))
    ledger.observe(
        "shop", {"a0": {"outcome": "ok", "state": "confirmed", "current": 5, "confirmed": 5, "differences": []}}
    )
    first, second = periods(ledger)["a0"]
    assert (first.ended, second.release, second.outcome, second.rollout) == ("changed-outside", 5, "observed", None)
    [_, record] = trail.audit(ledger.path, ledger.path.parent).records
    assert (record["statement"], record["commit"], record["gates"]) == (None, None, [])


def test_a_renewal_is_part_of_the_period(ledger: Ledger) -> None:
    driven(ledger, simulate(plan_of(1)))
    driven(ledger, simulate(plan_of(1, renewed=("a0",))))
    [period] = periods(ledger)["a0"]
    assert len(period.renewed_at) == 1


def test_what_ran_at_a_moment_is_one_record_a_device(ledger: Ledger) -> None:
    driven(ledger, simulate(plan_of(1, 1)))
    records = trail.audit(ledger.path, ledger.path.parent).records
    assert [r["record"] for r in trail.at(records, "2026-11-23T12:00:00Z")] == ["nothing-known", "nothing-known"]
    later = trail.at(records, "2026-11-24T00:00:00Z")
    assert [(r["device"], r["release"]) for r in later] == [("a0", NEW), ("b0", NEW)]
    assert all(json.loads(json.dumps(record)) == record for record in later)


def test_hostile_texts_in_the_ledger_come_out_as_one_plain_line(ledger: Ledger) -> None:
    hostile = "\x1b]0;x\x07\n{{ 1 }}\u202e"
    rollout = ledger.start(plan_of(1))
    answer = Answered(
        "a0", "deploy", "failed", hostile, hostile, state="reverted", current=OLD, confirmed=OLD, denied=True
    )
    ledger.append(rollout, answer, {})
    [tried, *_] = trail.audit(ledger.path, ledger.path.parent, device="a0").records
    line = json.dumps(tried)
    assert line.isascii()
    assert all(text.isprintable() for text in tried["reason"].values())


def without_guards(path: Path, *statements: str) -> None:
    """What somebody with the file and no scruples can do."""
    with closing(sqlite3.connect(path)) as database:
        triggers = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
        for name in triggers:
            database.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            database.execute(statement)
        database.commit()


TAMPERING = {
    "an answer is changed": "UPDATE events SET payload = replace(payload, 'failed', 'ok') WHERE kind = 'answered'",
    "a time is changed": "UPDATE events SET at = '2020-01-01T00:00:00Z' WHERE id = 3",
    "a row is gone": "DELETE FROM events WHERE id = 4",
    "a row is put in": "INSERT INTO events (blueprint, at, kind, payload) VALUES ('shop', '2026', 'observed', '{}')",
    "a plan is changed": "UPDATE rollouts SET plan = replace(plan, '1.1.0', '1.1.1'), version = '1.1.1'",
    "a roll-out is gone": "DELETE FROM rollouts WHERE id = 2",
    "a payload is no JSON": "UPDATE events SET payload = '{' WHERE id = 2",
    "a digest is gone": "UPDATE events SET digest = NULL WHERE id = 5",
}


@pytest.mark.parametrize("how", TAMPERING)
def test_a_ledger_that_was_touched_is_refused(how: str, ledger: Ledger) -> None:
    driven(ledger, simulate(plan_of(1, 1), b0={"healthy": False}))
    driven(ledger, simulate(plan_of(1)))
    ledger.close()
    read_record(ledger.path)
    without_guards(ledger.path, "PRAGMA foreign_keys=OFF", TAMPERING[how])
    with pytest.raises(EdgewrightError) as refused:
        read_record(ledger.path)
    assert refused.value.diagnostics[0].slug == "ledger-tampered"


def test_a_ledger_from_before_the_chain_is_migrated_and_covered_from_then_on(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    first = resources.files("edgewright.rollout").joinpath("migrations/0001_initial.sql").read_text()
    plan = plan_of(1)
    with closing(sqlite3.connect(path)) as database:
        database.executescript(first)
        database.execute("PRAGMA user_version=1")
        database.execute(
            "INSERT INTO rollouts VALUES (1, 'shop', ?, '1.1.0', '2026-11-01T00:00:00Z', ?)",
            (NEW, json.dumps({k: v for k, v in plan.to_json().items() if k not in {"renewed", "settled"}})),
        )
        database.execute("INSERT INTO members VALUES (1, 'a0', 'x86-64-v3', 'default', 1)")
        answer = {
            "device": "a0",
            "action": "confirm",
            "outcome": "ok",
            "state": "confirmed",
            "current": NEW,
            "confirmed": NEW,
        }
        for kind, payload in (("sent", {"action": "deploy", "devices": ["a0"]}), ("answered", answer)):
            database.execute(
                "INSERT INTO events (rollout_id, at, kind, device, payload) VALUES (1, '2026-11-01', ?, ?, ?)",
                (kind, "a0" if kind == "answered" else None, json.dumps(payload)),
            )
        database.commit()
    with pytest.raises(EdgewrightError) as refused:
        read_record(path)
    assert refused.value.diagnostics[0].slug == "ledger-older"
    assert read_status(path)[0].devices[0].running == NEW

    ledger = Ledger(path)
    [period] = periods(ledger)["a0"]
    assert (period.release, period.outcome) == (NEW, "confirmed")
    recorded = ledger.latest("shop")
    assert recorded is not None
    assert recorded.plan == plan
    ledger.decide("denied", "shop", NEW, "later")
    assert len(read_record(path).rows) == 3
    ledger.close()
    without_guards(path, "UPDATE events SET at = '2020-01-01T00:00:00Z' WHERE id = 1")
    with pytest.raises(EdgewrightError) as refused:
        read_record(path)
    assert refused.value.diagnostics[0].slug == "ledger-tampered"


def test_the_archive_gives_back_what_it_was_given_or_says_why_not(tmp_path: Path) -> None:
    archive = EvidenceArchive(tmp_path / "evidence")
    digest = archive.keep(b"signed")
    assert archive.keep(b"signed") == digest
    assert archive.read(digest) == b"signed"
    path = tmp_path / "evidence" / "sha256" / digest.partition(":")[2]
    path.chmod(0o644)
    path.write_bytes(b"forged")
    slugs = []
    for is_gone in (False, True):
        if is_gone:
            path.unlink()
        with pytest.raises(EdgewrightError) as refused:
            archive.read(digest)
        slugs.append(refused.value.diagnostics[0].slug)
    assert slugs == ["evidence-tampered", "evidence-missing"]
    with pytest.raises(ValueError, match="not a sha256 digest"):
        archive.read("sha256:../../etc/passwd")


def test_status_shows_what_was_observed_until_the_device_is_deployed_to(ledger: Ledger) -> None:
    driven(ledger, simulate(plan_of(1)))
    assert read_status(ledger.path)[0].devices[0].is_well
    found = {"outcome": "ok", "state": "confirmed", "current": NEW, "confirmed": NEW}
    ledger.observe("shop", {"a0": {**found, "differences": [{"kind": "changed-file", "message": "x", "files": []}]}})
    [device] = read_status(ledger.path)[0].devices
    assert (device.differences, device.is_well) == (("changed-file",), False)
    assert device.last_observed == device.last_seen
    driven(ledger, simulate(plan_of(1, renewed=("a0",))))
    assert read_status(ledger.path)[0].devices[0].is_well


def test_the_command_prints_lines_that_stand_alone_and_takes_hostile_names_for_names(
    ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    driven(ledger, simulate(plan_of(1, 1)))
    ledger.close()
    options = ["audit", str(ledger.path.parent), "--ledger", str(ledger.path)]
    assert run(options) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["format"], line["device"]) for line in lines] == [
        ("edgewright-audit/1", name) for name in ("a0", "b0")
    ]
    for name in ("$(reboot)", "-oProxyCommand=id", "{{ 1 }}", "../a0", "a0\n"):
        assert run([*options, f"--device={name}", "--at", "2026-11-23T13:00+01:00"]) == 0
        [line] = map(json.loads, capsys.readouterr().out.splitlines())
        assert (line["record"], line["device"], line["at"]) == ("nothing-known", name, "2026-11-23T12:00:00Z")
    assert run([*options, "-o", "text", "--at", "2026-11-24"]) == 0
    assert "shop 1.1.0" in capsys.readouterr().out


def test_times_and_ledgers_that_are_none_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for moment in ("yesterday", "12:30", "2026-13-01", "9" * 5000, "$(date)"):
        assert run(["audit", str(tmp_path), "--at", moment]) == 2
    assert run(["audit", str(tmp_path)]) == 7
    assert "no-ledger" in capsys.readouterr().err
    assert not (tmp_path / ".edgewright").exists(), "an audit made a ledger"


def test_status_has_an_exit_code_for_what_is_not_as_it_should_be(ledger: Ledger, tmp_path: Path) -> None:
    driven(ledger, simulate(plan_of(1, 1), b0={"reachable": False}))
    options = ["status", str(tmp_path), "--ledger", str(ledger.path)]
    assert (run(options), run([*options, "--exit-code"]), run([*options, "--exit-code", "-o", "json"])) == (0, 6, 6)
    driven(ledger, simulate(plan_of(1, 1)))
    assert run([*options, "--exit-code"]) == 0
