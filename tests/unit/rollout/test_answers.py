"""What devices and links say becomes an answer; what is not understood becomes a failure."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewright.rollout.answers import TaskResult, interpret
from edgewright.rollout.answers import told as told_everything

GOOD = {"ok": True, "state": "active-unconfirmed", "current": 7, "confirmed": 6, "error": None, "changed": True}
BAD = {
    "ok": False,
    "state": "active-unconfirmed",
    "current": 7,
    "confirmed": 6,
    "error": {"slug": "latency-exceeded", "message": "latency is 3 s, 1 s is allowed", "hint": "wait"},
}


def told(task: str, answer: dict[str, Any], rc: int = 0) -> TaskResult:
    return TaskResult(task, "ok" if rc == 0 else "failed", {"rc": rc, "answer": answer})


def test_deployment_is_good_only_when_the_health_check_said_so() -> None:
    results = [told("Agent need", GOOD), told("Agent activate", GOOD), told("Agent health", GOOD)]
    answer = interpret("deploy", "d1", 7, results)
    assert (answer.outcome, answer.current, answer.confirmed) == ("ok", 7, 6)
    assert interpret("deploy", "d1", 7, results[:2]).slug == "answer-invalid"


def test_red_health_is_a_failure_that_quarantines_and_tells_the_state_after_the_revert() -> None:
    after = {**GOOD, "state": "reverted", "current": 6}
    answer = interpret("deploy", "d1", 7, [told("Agent health", BAD, 4), told("Agent revert", after)])
    assert (answer.outcome, answer.slug, answer.denied, answer.current) == ("failed", "latency-exceeded", True, 6)
    assert answer.hint == "wait"


def test_refusal_before_activation_does_not_quarantine() -> None:
    refused = {**BAD, "error": {"slug": "disk-full", "message": "5 bytes free, 9 needed", "hint": None}}
    answer = interpret("deploy", "d1", 7, [told("Agent need", refused, 3)])
    assert (answer.slug, answer.denied) == ("disk-full", False)


@pytest.mark.parametrize(
    ("said", "outcome", "slug"),
    [
        ("Failed to connect to the host via ssh: Connection timed out", "unreachable", "unreachable"),
        ("@@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @@", "failed", "host-key-changed"),
        ("No ED25519 host key is known. Host key verification failed.", "failed", "host-key-unknown"),
        ("root@h1: Permission denied (publickey).", "failed", "login-refused"),
        ("mkdir: cannot create directory: No space left on device", "failed", "disk-full"),
    ],
)
def test_dead_link_is_absence_and_a_refusing_host_is_a_failure(said: str, outcome: str, slug: str) -> None:
    answer = interpret("deploy", "d1", 7, [TaskResult("Place", "unreachable", {"msg": said})])
    assert (answer.outcome, answer.slug) == (outcome, slug)
    assert "d1" in (answer.message or "")


def test_host_without_agent_runs_nothing_of_this_release() -> None:
    answer = interpret("observe", "d1", 7, [TaskResult("Agent observe", "skipped", {})])
    assert (answer.outcome, answer.current, answer.confirmed) == ("ok", None, None)


def test_observation_tells_why_the_device_denies_the_release() -> None:
    seen = {**GOOD, "current": 6, "denied": {"7": {"slug": "vector-mismatch", "message": "differs"}}, "previous": 5}
    answer = interpret("observe", "d1", 7, [told("Agent observe", seen)])
    assert (answer.denied, answer.slug, answer.previous) == (True, "vector-mismatch", 5)


def test_device_that_still_runs_the_release_was_not_rolled_back() -> None:
    assert interpret("rollback", "d1", 7, [told("Agent rollback", GOOD)]).slug == "still-active"
    assert interpret("rollback", "d1", 7, [told("Agent rollback", {**GOOD, "current": 6})]).outcome == "ok"


def test_terminal_codes_of_a_device_do_not_reach_people() -> None:
    hostile = {**BAD, "error": {"slug": "x\x1b[31m", "message": "a\nb\x1b]0;title\x07" + "z" * 9999, "hint": 5}}
    answer = interpret("deploy", "d1", 7, [told("Agent stage", hostile, 3)])
    shown = f"{answer.slug}{answer.message}{answer.hint}"
    assert shown.isprintable()
    assert len(shown) < 1500


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
answers = st.dictionaries(
    st.sampled_from(["ok", "state", "current", "confirmed", "error", "denied", "measurements", "previous"]), json_values
)


@given(
    st.sampled_from(["deploy", "check", "confirm", "rollback", "observe"]),
    st.lists(
        st.builds(
            TaskResult,
            st.sampled_from(["Agent health", "Agent confirm", "Agent rollback", "Agent observe", "Place"]),
            st.sampled_from(["ok", "failed", "unreachable", "skipped"]),
            st.fixed_dictionaries({"answer": answers, "rc": st.integers(0, 7), "msg": st.text(max_size=20)}),
        ),
        max_size=4,
    ),
)
def test_no_answer_of_a_hostile_device_breaks_the_controller(action: Any, results: list[TaskResult]) -> None:
    answer = interpret(action, "d1", 7, results)
    if answer.outcome == "ok" and action in {"deploy", "check", "confirm"}:
        assert any(r.kind == "ok" and r.result["answer"].get("ok") is True for r in results)
    assert answer.current is None or answer.current >= 0


def test_an_observation_hands_on_what_was_told_unread() -> None:
    answer = {"ok": True, "state": "confirmed", "current": 7, "files": {"findings": [{"path": "\x1b[2J"}]}}
    everything = told_everything("d1", [told("Agent observe", answer)])
    assert (everything.reach, everything.answer) == ("answered", answer)


def test_an_observation_tells_absent_refused_empty_and_broken_devices_apart() -> None:
    gone = TaskResult("Agent observe", "unreachable", {"msg": "timed out"})
    changed = TaskResult("Agent observe", "unreachable", {"msg": "WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!"})
    empty = TaskResult("Agent observe", "skipped", {"skipped": True, "answer": {}})
    forged = TaskResult("Agent observe", "failed", {"rc": 44, "slug": "agent-changed", "msg": "agent-changed: x"})
    refusal = told(
        "Agent observe", {"ok": False, "error": {"slug": "state-invalid", "message": "x", "hint": None}}, rc=3
    )
    found = {name: told_everything("d1", [result]) for name, result in (
        ("gone", gone), ("changed", changed), ("empty", empty), ("forged", forged), ("refusal", refusal),
    )}  # fmt: skip
    assert {name: (entry.reach, entry.slug) for name, entry in found.items()} == {
        "gone": ("absent", "unreachable"),
        "changed": ("failed", "host-key-changed"),
        "empty": ("none", None),
        "forged": ("failed", "agent-changed"),
        "refusal": ("failed", "state-invalid"),
    }
    assert told_everything("d1", []).slug == "answer-invalid"


def test_a_renewed_device_never_denies_the_release_it_ran_before() -> None:
    results = [told("Agent health", BAD, 4), told("Agent revert", {**GOOD, "current": 7, "state": "reverted"})]
    assert interpret("deploy", "d1", 7, results).denied
    assert not interpret("deploy", "d1", 7, results, renewed=True).denied
