"""The controller, by simulation: what it promises holds for every fleet, every failure and every moment of death."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.rollout.simulation import NEW, OLD, Killed, Simulation, plan_of, simulate

from edgewright.rollout.controller import begin, replay
from edgewright.rollout.events import Sent
from edgewright.rollout.plan import RolloutPlan, plan_reconciliation
from edgewright.rollout.roster import Status
from edgewright.spec.v1beta1.blueprint import Canary, CanaryWave, RolloutSpec
from edgewright.spec.v1beta1.fleet import Device


def releases(simulation: Simulation) -> dict[str, int]:
    return {name: device.current for name, device in simulation.devices.items()}


def test_rollout_confirms_every_device_wave_by_wave() -> None:
    simulation = simulate(plan_of(1, 2, 3))
    state = simulation.run(begin(simulation.plan))
    assert state.verdict == "confirmed"
    assert all(d.current == d.confirmed == NEW and d.confirmations == 1 for d in simulation.devices.values())
    assert [(tell.action, tell.devices) for tell in simulation.told][:4] == [
        ("deploy", ("a0",)),
        ("confirm", ("a0",)),
        ("deploy", ("b0", "b1")),
        ("confirm", ("b0", "b1")),
    ]


def test_rollout_stops_in_the_canary_when_its_health_is_red() -> None:
    simulation = simulate(plan_of(1, 2, 3, allowed_failures=5), a0={"healthy": False})
    state = simulation.run(begin(simulation.plan))
    assert state.verdict == "rolled-back"
    assert [tell.action for tell in simulation.told] == ["deploy"]
    assert state.devices["a0"].is_quarantined


def test_failed_wave_takes_its_healthy_mates_back_and_leaves_earlier_waves() -> None:
    simulation = simulate(plan_of(1, 4, max_unavailable=2), b3={"healthy": False})
    state = simulation.run(begin(simulation.plan))
    assert state.verdict == "rolled-back"
    assert releases(simulation) == {"a0": NEW, "b0": OLD, "b1": OLD, "b2": OLD, "b3": OLD}
    assert {name for name, d in state.devices.items() if d.status == Status.ROLLED_BACK} == {"b0", "b1", "b2"}


def test_rollback_all_takes_earlier_waves_back_too() -> None:
    simulation = simulate(plan_of(1, 2, on_failure="rollback-all"), b1={"healthy": False})
    assert simulation.run(begin(simulation.plan)).verdict == "rolled-back"
    assert set(releases(simulation).values()) == {OLD}


def test_pause_keeps_what_is_healthy_and_resume_goes_on() -> None:
    simulation = simulate(plan_of(1, 2, 2, on_failure="pause"), b1={"healthy": False})
    state = simulation.run(begin(simulation.plan))
    assert state.verdict == "paused"
    assert releases(simulation) == {"a0": NEW, "b0": NEW, "b1": OLD, "c0": OLD, "c1": OLD}
    state = simulation.resume(state)
    assert state.verdict == "confirmed"
    assert releases(simulation) == {"a0": NEW, "b0": NEW, "b1": OLD, "c0": NEW, "c1": NEW}
    assert simulation.devices["b1"].activations == 1, "a quarantined device was tried again"


def test_failures_within_the_budget_do_not_stop_the_rollout() -> None:
    simulation = simulate(plan_of(1, 5, 4, allowed_failures=1), b2={"healthy": False})
    state = simulation.run(begin(simulation.plan))
    assert state.verdict == "confirmed"
    assert state.devices["b2"].status == Status.FAILED
    assert sum(release == NEW for release in releases(simulation).values()) == 9


def test_absent_device_never_holds_its_wave_and_joins_when_it_is_back() -> None:
    simulation = simulate(plan_of(1, 3), b1={"reachable": False})
    state = simulation.run(begin(simulation.plan))
    assert state.verdict == "waiting"
    assert releases(simulation) == {"a0": NEW, "b0": NEW, "b1": OLD, "b2": NEW}
    assert simulation.poll(state).verdict == "waiting"
    simulation.devices["b1"].reachable = True
    assert simulation.poll(state).verdict == "confirmed"
    assert simulation.devices["b1"].confirmed == NEW


def test_absent_canary_does_not_stop_the_rollout() -> None:
    simulation = simulate(plan_of(1, 1), a0={"reachable": False})
    assert simulation.run(begin(simulation.plan)).verdict == "waiting"


def test_absent_skip_and_fail_do_what_they_say() -> None:
    skip = simulate(plan_of(1, 2, absent="skip"), b0={"reachable": False})
    state = skip.run(begin(skip.plan))
    assert (state.verdict, state.devices["b0"].status) == ("confirmed", Status.SKIPPED)
    failing = simulate(plan_of(1, 2, absent="fail"), b0={"reachable": False})
    assert failing.run(begin(failing.plan)).verdict == "rolled-back"
    assert releases(failing)["b1"] == OLD


def test_latecomer_that_fails_takes_nobody_back_who_confirmed_long_ago() -> None:
    simulation = simulate(plan_of(1, 2, 2), b1={"reachable": False, "healthy": False})
    state = simulation.run(begin(simulation.plan))
    assert state.verdict == "waiting"
    simulation.devices["b1"].reachable = True
    state = simulation.poll(state)
    assert state.verdict == "rolled-back"
    assert releases(simulation) == {"a0": NEW, "b0": NEW, "b1": OLD, "c0": NEW, "c1": NEW}
    assert state.devices["b0"].status == Status.CONFIRMED


def test_latecomer_that_fails_takes_the_latecomer_beside_it_back() -> None:
    late = {"reachable": False}
    simulation = simulate(plan_of(1, 3), b1={**late, "healthy": False}, b2=late)
    state = simulation.run(begin(simulation.plan))
    for name in ("b1", "b2"):
        simulation.devices[name].reachable = True
    state = simulation.poll(state)
    assert (state.verdict, state.devices["b2"].status) == ("rolled-back", Status.ROLLED_BACK)
    assert releases(simulation) == {"a0": NEW, "b0": NEW, "b1": OLD, "b2": OLD}


def test_wave_that_sickens_while_it_soaks_is_left_by_command() -> None:
    simulation = simulate(plan_of(1, 2, soak_s=60), a0={"fails_after_soak": True})
    state = simulation.run(begin(simulation.plan))
    assert state.verdict == "rolled-back"
    assert releases(simulation) == {"a0": OLD, "b0": OLD, "b1": OLD}
    assert simulation.devices["b0"].activations == 0


def test_device_that_is_away_during_rollback_stays_due_until_it_is_back() -> None:
    simulation = simulate(plan_of(1, 2, max_unavailable=1), b1={"healthy": False})
    # b0 is confirmed, then its link dies before b1 fails
    original = simulation.devices["b1"].answer

    def fail_and_cut(name: str, action: str) -> object:
        simulation.devices["b0"].reachable = False
        return original(name, action)

    simulation.devices["b1"].answer = fail_and_cut  # type: ignore[method-assign,assignment]
    state = simulation.run(begin(simulation.plan))
    assert (state.verdict, state.devices["b0"].status) == ("rolled-back", Status.LEAVE)
    simulation.devices["b0"].reachable = True
    assert simulation.resume(state).devices["b0"].status == Status.ROLLED_BACK
    assert simulation.devices["b0"].current == OLD


def test_quarantined_device_is_not_told_anything() -> None:
    simulation = simulate(plan_of(1, 2, quarantined=("b0",)))
    assert simulation.run(begin(simulation.plan)).verdict == "confirmed"
    assert all("b0" not in tell.devices for tell in simulation.told)


@pytest.mark.parametrize("overdue", [False, True])
@pytest.mark.parametrize("moment", range(24))
def test_controller_killed_at_any_moment_resumes_and_does_nothing_twice(moment: int, overdue: bool) -> None:
    simulation = simulate(plan_of(1, 2, 2, max_unavailable=2, soak_s=1))
    with pytest.raises(Killed):
        simulation.run(begin(simulation.plan), die_after=min(moment, 20))
    if overdue:
        for device in simulation.devices.values():
            device.overdue()
    told_before = len(simulation.told)
    state = replay(simulation.plan, simulation.journal)
    state = simulation.resume(state)
    assert state.verdict == "confirmed"
    assert all(d.confirmations == 1 for d in simulation.devices.values())
    if not overdue:
        assert all(d.activations == 1 for d in simulation.devices.values())
    after = simulation.told[told_before:]
    in_doubt = {n for tell in simulation.told[told_before - 1 : told_before] for n in tell.devices}
    if in_doubt and after and after[0].action in {"deploy", "confirm"}:
        assert not in_doubt & set(after[0].devices), "told again without being observed"


behaviours = st.fixed_dictionaries(
    {"healthy": st.booleans(), "reachable": st.booleans(), "fails_after_soak": st.booleans()}
)


@st.composite
def scenarios(draw: st.DrawFn) -> Simulation:
    plan: RolloutPlan = plan_of(
        *draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)),
        canary=draw(st.booleans()),
        max_unavailable=draw(st.integers(1, 5)),
        allowed_failures=draw(st.integers(0, 4)),
        absent=draw(st.sampled_from(["wait", "skip", "fail"])),
        on_failure=draw(st.sampled_from(["rollback-wave", "rollback-all", "pause"])),
        soak_s=draw(st.sampled_from([0.0, 5.0])),
    )
    return simulate(plan, **{device.name: draw(behaviours) for device in plan.devices})


@settings(max_examples=150, deadline=None)
@given(scenarios(), st.one_of(st.none(), st.integers(1, 25)))
def test_promises_hold_for_any_fleet(simulation: Simulation, die_after: int | None) -> None:
    plan = simulation.plan
    try:
        state = simulation.run(begin(plan), die_after=die_after)
    except Killed:
        state = simulation.resume(replay(plan, simulation.journal))
    assert state.verdict is not None
    for tell in simulation.told:
        if tell.action == "deploy":
            assert len(tell.devices) <= plan.max_unavailable
            assert len({plan.wave_of(name) for name in tell.devices}) == 1
    for name, device in simulation.devices.items():
        assert device.confirmations <= 1
        assert device.healthy or device.confirmed == OLD, "confirmed although unhealthy"
        if not device.reachable and plan.absent != "fail":
            assert not state.devices[name].is_failure
    if plan.on_failure != "pause" and state.verdict in {"confirmed", "waiting"}:
        assert state.failures <= plan.allowed_failures
    if state.verdict == "rolled-back" and state.failed_wave is not None:
        for name in plan.waves[state.failed_wave - 1].devices:
            assert simulation.devices[name].current == OLD
    assert replay(plan, simulation.journal) == state


@settings(max_examples=60, deadline=None)
@given(scenarios())
def test_every_command_is_recorded_before_it_is_sent(simulation: Simulation) -> None:
    simulation.run(begin(simulation.plan))
    sent = [(event.action, event.devices) for event in simulation.journal if isinstance(event, Sent)]
    assert sent == [(tell.action, tell.devices) for tell in simulation.told]


def reconciliation(**options: object) -> Simulation:
    """a0 and b0 run the release damaged, b1 runs the old one, z0 and z1 are as they should be."""
    plan = plan_of(1, 2, renewed=("a0", "b0"), settled=("z0", "z1"), **options)  # type: ignore[arg-type]
    return simulate(plan)


def test_reconciliation_touches_only_what_differs() -> None:
    simulation = reconciliation()
    state = simulation.run(begin(simulation.plan))
    assert state.verdict == "confirmed"
    assert {name for tell in simulation.told for name in tell.devices} == {"a0", "b0", "b1"}
    assert [(tell.action, tell.devices) for tell in simulation.told] == [
        ("deploy", ("a0",)),
        ("confirm", ("a0",)),
        ("deploy", ("b0", "b1")),
        ("confirm", ("b0", "b1")),
    ]
    assert {n: d.renewals for n, d in simulation.devices.items() if d.renewals} == {"a0": 1, "b0": 1}
    assert set(releases(simulation).values()) == {NEW}
    assert not any(device.damaged for device in simulation.devices.values())


def test_device_that_cannot_be_repaired_stops_the_reconciliation_and_takes_nobody_off_the_release() -> None:
    simulation = reconciliation()
    simulation.devices["b0"].healthy = False
    state = simulation.run(begin(simulation.plan))
    assert state.verdict == "rolled-back"
    assert releases(simulation) == {"a0": NEW, "b0": NEW, "b1": OLD, "z0": NEW, "z1": NEW}
    assert (state.devices["b0"].status, state.devices["b1"].status) == (Status.FAILED, Status.ROLLED_BACK)
    assert "rollback" not in {tell.action for tell in simulation.told if "b0" in tell.devices}
    assert not state.devices["b0"].is_quarantined


def test_repaired_mates_of_a_failed_wave_are_confirmed_because_they_have_no_way_back() -> None:
    simulation = reconciliation(on_failure="rollback-all")
    simulation.devices["b1"].healthy = False
    state = simulation.run(begin(simulation.plan))
    assert state.verdict == "rolled-back"
    assert releases(simulation) == {"a0": NEW, "b0": NEW, "b1": OLD, "z0": NEW, "z1": NEW}
    assert {n: d.renewals for n, d in simulation.devices.items() if d.renewals} == {"a0": 1, "b0": 1}
    assert state.devices["z0"].status == Status.CONFIRMED


@pytest.mark.parametrize("overdue", [False, True])
@pytest.mark.parametrize("moment", range(16))
def test_reconciliation_killed_at_any_moment_resumes_and_every_device_is_repaired(moment: int, overdue: bool) -> None:
    simulation = reconciliation(max_unavailable=1, soak_s=1)
    with pytest.raises(Killed):
        simulation.run(begin(simulation.plan), die_after=moment)
    if overdue:
        for device in simulation.devices.values():
            device.overdue()
    state = simulation.resume(replay(simulation.plan, simulation.journal))
    assert state.verdict == "confirmed"
    assert not any(device.damaged or device.renewing for device in simulation.devices.values())
    assert set(releases(simulation).values()) == {NEW}
    assert {name for tell in simulation.told for name in tell.devices} == {"a0", "b0", "b1"}


def test_plan_of_a_reconciliation_keeps_the_canary_and_the_budget_of_what_differs() -> None:
    devices = [Device(name=f"d{number}", target="x86-64-v3") for number in range(40)]
    spec = RolloutSpec(waves=(CanaryWave(canary=Canary(per_target=1)), "50%", "100%"), failure_budget="10%")  # type: ignore[arg-type]
    differing = {f"d{number}": number % 2 == 0 for number in range(10)}
    plan = plan_reconciliation("shop", "1.1.0", NEW, devices, differing, ["d10", "d11"], spec)
    assert [(wave.label, len(wave.devices)) for wave in plan.waves] == [
        ("canary", 1),
        ("50-percent", 4),
        ("100-percent", 5),
        ("untouched", 30),
    ]
    assert plan.allowed_failures == 1
    assert plan.renewed == ("d0", "d2", "d4", "d6", "d8")
    assert plan.settled == ("d10", "d11")
    assert len(plan.left) == 28
    state = begin(plan)
    assert (state.devices["d10"].status, state.devices["d12"].status) == (Status.CONFIRMED, Status.SKIPPED)
    assert RolloutPlan.from_json(json.loads(json.dumps(plan.to_json()))) == plan
