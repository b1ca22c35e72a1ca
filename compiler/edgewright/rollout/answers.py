"""Answers: from what Ansible's tasks returned to what a device answered.

Owns the reading of results. Must not run anything. Invariants: what a host says is hostile: it is capped, parsed and
checked field by field, and a text of it is only ever shown; an answer that is not understood is a failure, never a
success; a link that is dead is `unreachable`, while a host that is there and refuses (changed key, refused login, full
disk) is a failure with its name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from edgewright.rollout.events import Action, Answered

UNHEALTHY = 4
PROVING_TASK: Mapping[Action, str] = {
    "deploy": "Agent health",
    "check": "Agent health",
    "confirm": "Agent confirm",
    "rollback": "Agent rollback",
    "observe": "Agent observe",
}
"""The task without whose good answer an action has not succeeded."""

_REFUSED_LINKS: tuple[tuple[str, str, str, str], ...] = (
    (
        "REMOTE HOST IDENTIFICATION HAS CHANGED",
        "host-key-changed",
        "presents another host key than the one in known_hosts",
        "if the device was reinstalled, remove the old key with `{forget}` and record the new one",
    ),
    (
        "Host key verification failed",
        "host-key-unknown",
        "presents a host key that is not in known_hosts",
        "record its key (ssh-keyscan), after comparing the fingerprint with the device's",
    ),
    (
        "Permission denied (",
        "login-refused",
        "refuses the login",
        "check user and identity file of the device, and its authorized_keys",
    ),
    ("No space left on device", "disk-full", "has no space left", "free space on the device, then resume"),
)

# ssh's own words (sshconnect.c) about a changed key; plain names only, because people paste the command
_CHANGED_KEY = re.compile(
    r"Offending \S+ key in (?P<file>[\w./+-]{1,200}):\d+.*?Host key for (?P<address>[\w.:-]{1,200}) has",
    re.ASCII | re.S,
)


@dataclass(frozen=True, slots=True)
class TaskResult:
    """One task's result on one host."""

    task: str
    kind: Literal["ok", "failed", "unreachable", "skipped"]
    result: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """All that a device said when it was asked for everything. `answer` is hostile: nothing of it was looked at.

    `reach` is `none` where no agent is: nothing was ever delivered there, or all of it was removed."""

    device: str
    reach: Literal["answered", "absent", "none", "failed"]
    answer: Mapping[str, Any]
    slug: str | None = None
    message: str | None = None


def told(device: str, results: Sequence[TaskResult]) -> Told:
    """What one device told in an observation."""
    for result in results:
        if result.kind == "unreachable":
            link = _link_trouble("observe", device, str(result.result.get("msg", "")))
            return Told(device, "absent" if link.outcome == "unreachable" else "failed", {}, link.slug, link.message)
        answer = _agent_answer(result)
        if result.kind == "failed":
            failed = _failure("observe", device, result, answer or {})
            return Told(device, "failed", answer or {}, failed.slug, failed.message)
        if result.task == PROVING_TASK["observe"] and answer is not None:
            return Told(device, "answered", answer)
    if _has_no_agent(results, PROVING_TASK["observe"]):
        return Told(device, "none", {})
    return Told(device, "failed", {}, "answer-invalid", f"{device} gave no answer to 'Agent observe'")


def interpret(
    action: Action, device: str, release: int, results: Sequence[TaskResult], *, renewed: bool = False
) -> Answered:
    """What one device answered to one action. A `renewed` device ran the release before, and never denies it."""
    answer = _interpreted(action, device, release, results)
    return replace(answer, denied=False) if renewed else answer


def _interpreted(action: Action, device: str, release: int, results: Sequence[TaskResult]) -> Answered:
    for result in results:
        if result.kind == "unreachable":
            return _link_trouble(action, device, str(result.result.get("msg", "")))
    agent = [(result, _agent_answer(result)) for result in results if result.task.startswith("Agent ")]
    last: Mapping[str, Any] = next((answer for _, answer in reversed(agent) if answer is not None), {})
    for result in results:
        if result.kind == "failed":
            return _failure(action, device, result, last)
    if action == "observe":
        return _observed(device, release, results, last)
    if action == "rollback" and last and last.get("current") == release:
        return _told(action, device, last, "failed", "still-active", f"{device} still runs release {release}")
    proving = PROVING_TASK[action]
    for result, answer in agent:
        if result.task == proving and result.kind == "ok" and answer is not None and answer.get("ok") is True:
            return replace(_told(action, device, last, "ok"), detail=_measurements(answer))
    if action == "rollback" and _has_no_agent(results, proving):
        return _told(action, device, last, "ok")
    return _told(action, device, last, "failed", "answer-invalid", f"{device} gave no answer to {proving!r}")


def _observed(
    device: str,
    release: int,
    results: Sequence[TaskResult],
    last: Mapping[str, Any],
) -> Answered:
    """A host without the agent of this release has never been delivered to: nothing of it runs there."""
    if _has_no_agent(results, "Agent observe"):
        return Answered(device, "observe", "ok")
    if last.get("ok") is not True and "current" not in last:
        return _told("observe", device, last, "failed", "answer-invalid", f"{device} gave no answer to 'Agent observe'")
    denied = last.get("denied")
    entry = denied.get(str(release)) if isinstance(denied, Mapping) else None
    slug = _text(entry.get("slug"), 80) if isinstance(entry, Mapping) else None
    message = _text(entry.get("message"), 500) if isinstance(entry, Mapping) else None
    told = _told("observe", device, last, "ok", slug, message)
    return replace(told, denied=entry is not None, detail=_measurements(last))


def _has_no_agent(results: Sequence[TaskResult], task: str) -> bool:
    """Whether a task was skipped because the agent is not on the host: nothing was ever delivered there."""
    return any(result.task == task and result.kind == "skipped" for result in results)


def _failure(action: Action, device: str, result: TaskResult, last: Mapping[str, Any]) -> Answered:
    answer = _agent_answer(result) or {}
    error = answer.get("error")
    if isinstance(error, Mapping):
        slug, message, hint = (_text(error.get(key), 500) for key in ("slug", "message", "hint"))
        denied = result.result.get("rc") == UNHEALTHY and action in {"deploy", "check"}
        told = _told(action, device, last, "failed", slug or "answer-invalid", message, hint)
        return replace(told, denied=denied, detail=_measurements(answer))
    said = str(result.result.get("msg") or result.result.get("stderr") or "the task failed")
    slug = _text(result.result.get("slug"), 80)
    hint = None
    for pattern, known, meaning, advice in _REFUSED_LINKS:
        if pattern in said:
            slug, said, hint = known, f"{device} {meaning}", _filled(advice, said)
    if slug is None and said.startswith("release-for-other-target:"):
        slug, said = "release-for-other-target", said.partition(":")[2].strip()
    if slug == "disk-full":
        hint = "free space on the device, then resume"
    if slug is None:
        slug, said = "task-failed", f"{result.task}: {said}"
    return _told(action, device, last, "failed", slug, _text(said, 500), hint)


def _link_trouble(action: Action, device: str, said: str) -> Answered:
    for pattern, slug, meaning, hint in _REFUSED_LINKS:
        if pattern in said:
            return Answered(device, action, "failed", slug, f"{device} {meaning}", _filled(hint, said))
    return Answered(device, action, "unreachable", "unreachable", f"{device} is unreachable: {_text(said, 300)}")


def _filled(hint: str, said: str) -> str:
    """A hint with the command that forgets the old host key, as far as ssh named file and address."""
    found = _CHANGED_KEY.search(said)
    forget = f"ssh-keygen -f {found['file']} -R {found['address']}" if found else "ssh-keygen -R ADDRESS"
    return hint.replace("{forget}", _text(forget, 450) or "")


def _told(
    action: Action,
    device: str,
    answer: Mapping[str, Any],
    outcome: Literal["ok", "failed"],
    slug: str | None = None,
    message: str | None = None,
    hint: str | None = None,
) -> Answered:
    return Answered(
        device,
        action,
        outcome,
        slug,
        message,
        hint,
        state=_text(answer.get("state"), 40),
        current=_number(answer.get("current")),
        confirmed=_number(answer.get("confirmed")),
        previous=_number(answer.get("previous")),
    )


def _agent_answer(result: TaskResult) -> Mapping[str, Any] | None:
    """The one JSON object an agent command printed (capped where it was read), or None."""
    answer = result.result.get("answer")
    return answer if isinstance(answer, Mapping) and answer else None


def _measurements(answer: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a health answer, at most 64 of them."""
    found = answer.get("measurements")
    if not isinstance(found, Mapping):
        health = answer.get("health")
        found = health.get("measurements") if isinstance(health, Mapping) else None
    if not isinstance(found, Mapping):
        return {}
    numbers: dict[str, float] = {}
    for key, entry in list(found.items())[:64]:
        value = entry.get("value") if isinstance(entry, Mapping) else entry
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e18:
            numbers[str(key)[:64]] = float(value)
    return numbers


def _text(value: Any, longest: int) -> str | None:
    """A text of a host as it may be shown: one line, printable, capped."""
    if not isinstance(value, str):
        return None
    line = " ".join(value.split())
    return "".join(character for character in line if character.isprintable())[:longest]


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**12 else None
