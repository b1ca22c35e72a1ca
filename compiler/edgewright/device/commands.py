"""The commands of the agent, each a few lines over the modules that do the work.

Owns: taking the lock, settling what a crash left, and the report. Must not print or parse arguments.

Invariants: every command that may change something holds the lock and settles first; `observe` changes nothing and
waits for nothing; `health` measures without the lock, so a deadline is never held up by a measurement.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import platform
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from edgewright.device import collect, inspection, repair, switch
from edgewright.device import health as health_check
from edgewright.device import stage as staging
from edgewright.device import supervisor as process
from edgewright.device.artifact import host_architecture
from edgewright.device.files import free_bytes, locked
from edgewright.device.layout import ISOLATED, Layout
from edgewright.device.options import SYSTEMD, Options, read_options
from edgewright.device.refusal import Refusal
from edgewright.device.state import State, read_state, remaining_now_s, timestamp, word, write_state
from edgewright.device.supervise import (
    Supervisor,
    agent_file,
    choose_supervisor,
    service_agent,
)

EARLY_TIMER_S = 2.0
"""How much before its moment a timer may fire and still be taken for it."""


@dataclass(frozen=True)
class Device:
    """One blueprint on this host."""

    layout: Layout
    lock_wait_s: float = 60.0


@dataclass(frozen=True)
class Report:
    """What a command has to say: whether it changed anything, extra members, and a verdict that is not a refusal."""

    changed: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)
    error: Refusal | None = None
    silent: bool = False


@dataclass
class Session:
    """The lock held, the documents read, a crash repaired."""

    layout: Layout
    options: Options
    supervisor: Supervisor
    state: State

    def running_release(self) -> int | None:
        """Ask the service which release it serves."""
        return health_check.running_release(self.options)


@contextlib.contextmanager
def session(device: Device, *, at_boot: bool = False, supervisor: Supervisor | None = None) -> Iterator[Session]:
    """Take the lock, read, settle."""
    layout = device.layout
    with locked(layout.lock, device.lock_wait_s):
        layout.prepare()
        options = read_options(layout)
        chosen = supervisor or choose_supervisor(layout, options, at_boot=at_boot)
        state = switch.settle(layout, read_state(layout), chosen)
        yield Session(layout, options, chosen, state)


def summary(device: Device | None) -> dict[str, Any]:
    """The members that every answer has; a record that cannot be read gives nulls."""
    nothing = {"state": None, "current": None, "confirmed": None}
    if device is None:
        return dict(nothing)
    try:
        state, confirmed = read_state(device.layout), device.layout.confirmed_release()
        return {"state": word(state, confirmed), "current": device.layout.current_release(), "confirmed": confirmed}
    except (Refusal, OSError):
        return dict(nothing)


def _why(arguments: argparse.Namespace, slug: str, message: str, cause: Mapping[str, Any] | None) -> dict[str, Any]:
    """Why a release is left. `cause` is the last health verdict: what the device itself found comes first."""
    found = (cause or {}).get("error") or {}
    own = f"{found.get('slug')}: {found.get('message')}" if found else message
    return {
        "slug": arguments.reason[:64] or slug,
        "message": arguments.message[:500] or own[:500],
        "deny": not arguments.no_deny,
    }


def _cause(state: State, release: int | None) -> Mapping[str, Any] | None:
    return state.health if state.health is not None and state.health.get("release") == release else None


def _inspected(layout: Layout, budget_s: float) -> dict[str, Any]:
    """What `observe --files` adds: the files, what the controller wrote here, whether the model is ready."""
    number = layout.current_release()
    found: dict[str, Any] = {"documents": inspection.documents_told(layout, number), "files": None, "ready": False}
    if number is None:
        return found
    try:
        options = read_options(layout)
    except Refusal as refusal:
        return {**found, "files": {"release": number, "error": refusal.as_json(), "complete": False, "findings": []}}
    answer = health_check.ask(options, "/readyz", 5.0)
    found["ready"] = answer is not None and answer.status == 200 and answer.document.get("release") == number
    return {**found, "files": inspection.inspect_release(layout, options, number, budget_s)}


def _service(layout: Layout, *, may_be_broken: bool) -> dict[str, Any] | None:
    """Whether the service answers, and for which release."""
    if not layout.options.exists() or layout.current_release() is None:
        return None
    try:
        release = health_check.running_release(read_options(layout), timeout_s=2.0)
    except Refusal:
        if not may_be_broken:
            raise
        release = None
    return {"up": release is not None, "release": release}


def observe(device: Device, arguments: argparse.Namespace) -> Report:
    """What runs here, what is awaited, what is denied, and what the host offers."""
    layout, state = device.layout, read_state(device.layout)
    active, service = state.active, _service(layout, may_be_broken=arguments.files)
    waiting = None
    if active is not None:
        waiting = {
            "release": active.release,
            "healthy": active.healthy,
            "remaining_s": round(remaining_now_s(active), 1),
        }
    return Report(
        extra={
            "staged": state.staged,
            "fetching": state.fetching,
            "active": waiting,
            "previous": state.previous,
            "highest_confirmed": state.highest_confirmed,
            "denied": {str(release): dict(why) for release, why in state.denied.items()},
            "reverted": state.reverted,
            "health": state.health,
            "service": service,
            "host": {
                "architecture": host_architecture() or platform.machine(),
                "python": platform.python_version(),
                "libc": " ".join(platform.libc_ver()),
                "cores": os.cpu_count(),
                "free_bytes": free_bytes(layout.root),
                "time": timestamp(time.time()),
            },
            "agent": _agent_digest(),
            **(_inspected(layout, arguments.budget) if arguments.files else {}),
        }
    )


def _agent_digest() -> str | None:
    path = Path(agent_file())
    return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest() if path.suffix == ".pyz" else None


def need(device: Device, arguments: argparse.Namespace) -> Report:
    """Verify before the first byte is pushed."""
    with session(device) as held:
        incoming = Path(arguments.incoming)
        return Report(extra=staging.need(held.layout, held.options, held.state, incoming, repair=arguments.repair))


def stage(device: Device, arguments: argparse.Namespace) -> Report:
    """Make a pushed release ready to be activated."""
    with session(device) as held:
        switch.reserve_space(held.layout)
        before = held.state
        incoming = Path(arguments.incoming)
        if arguments.repair:
            running = held.running_release
            after, release = repair.stage_repair(held.layout, held.options, before, incoming, running)
        else:
            after, release = staging.stage(held.layout, held.options, before, incoming)
        return Report(changed=after != before, extra={"release": release.number})


def activate(device: Device, arguments: argparse.Namespace) -> Report:
    """Switch, with the way back armed."""
    with session(device) as held:
        timeout_s = arguments.confirm_timeout or float(held.options.confirm_timeout_s)
        after = switch.activate(held.layout, held.options, held.state, held.supervisor, arguments.release, timeout_s)
        extra: dict[str, Any] = {"release": arguments.release}
        if after.active is not None:
            extra["remaining_s"] = round(remaining_now_s(after.active), 1)
        return Report(changed=after != held.state, extra=extra)


def health(device: Device, arguments: argparse.Namespace) -> Report:
    """Measure through the running service; remember the result if the release is still the active one."""
    layout = device.layout
    options, current = read_options(layout), layout.current_release()
    release = arguments.release or current
    if release is None:
        raise Refusal("service-unhealthy", "no release runs on this device", hint="activate one first")
    watched = choose_supervisor(layout, options)
    report, refusal = health_check.check_health(layout, options, release, arguments.wait, watched.failed_starts)
    verdict = {"release": release, "ok": refusal is None, "at": timestamp(time.time())}
    verdict["measurements"] = report.get("measurements") or {}
    if refusal is not None:
        verdict["error"] = refusal.as_json()
    with session(device) as held:
        state = replace(held.state, health=verdict)
        if state.active is not None and state.active.release == release:
            state = replace(state, active=replace(state.active, healthy=refusal is None))
        if layout.current_release() == release:
            write_state(layout, state)
    return Report(extra=report, error=refusal)


def confirm(device: Device, arguments: argparse.Namespace) -> Report:
    """The controller came back: stay."""
    with session(device) as held:
        after = switch.confirm(held.layout, held.state, held.supervisor, arguments.release, held.running_release)
        return Report(changed=after != held.state, extra={"release": arguments.release})


def revert(device: Device, arguments: argparse.Namespace) -> Report:
    """Go back to the confirmed release; `--overdue` is how the timer asks, and finds that `settle` did it."""
    with session(device) as held:
        state = held.state
        if arguments.overdue:
            if state.active is not None and remaining_now_s(state.active) <= EARLY_TIMER_S:
                switch.revert(held.layout, state, held.supervisor, switch.TIMED_OUT)
            return Report(changed=True)
        number = arguments.release
        if number is not None and (state.active is None or state.active.release != number):
            if held.layout.current_release() == number:
                raise Refusal(
                    "nothing-to-revert",
                    f"release {number} is confirmed on this device",
                    hint="use rollback to leave it",
                )
            return Report(extra={"release": number})
        cause = _cause(state, None if state.active is None else state.active.release)
        why = _why(arguments, "reverted", "the controller asked to revert it", cause)
        switch.revert(held.layout, state, held.supervisor, why)
        return Report(changed=True, extra={"release": state.active.release if state.active else None})


def rollback(device: Device, arguments: argparse.Namespace) -> Report:
    """Leave a release that was confirmed; with `--release`, only if that one runs."""
    with session(device) as held:
        number = arguments.release
        if number is not None and held.layout.current_release() != number:
            return Report(extra={"release": number})
        cause = _cause(held.state, held.layout.current_release())
        why = _why(arguments, "rolled-back", "the controller asked to roll it back", cause)
        switch.rollback(held.layout, held.state, held.supervisor, why)
        return Report(changed=True)


def lift(device: Device, arguments: argparse.Namespace) -> Report:
    """A person decided that a release may be tried again."""
    with session(device) as held:
        if arguments.release not in held.state.denied:
            return Report(extra={"release": arguments.release})
        denied = {release: why for release, why in held.state.denied.items() if release != arguments.release}
        write_state(held.layout, replace(held.state, denied=denied))
        return Report(changed=True, extra={"release": arguments.release})


def stop(device: Device, arguments: argparse.Namespace) -> Report:
    """Run nothing any more, for a device that is taken out of service; its releases stay."""
    del arguments
    with session(device) as held:
        held.supervisor.stop()
        return Report(changed=True)


def gc(device: Device, arguments: argparse.Namespace) -> Report:
    """Give back disk."""
    with session(device) as held:
        agents = [agent_file(), held.state.agent, process.supervisor_agent(held.layout)]
        done = collect.collect(held.layout, held.state, agents, drop_previous=arguments.drop_previous)
        if arguments.drop_previous and held.state.previous is not None:
            write_state(held.layout, replace(held.state, previous=None))
        return Report(changed=bool(done["freed_bytes"] or done["removed_releases"]), extra=done)


def boot(device: Device, arguments: argparse.Namespace) -> Report:
    """Settling reverts what is overdue; what is left of the time is armed again."""
    del arguments
    with session(device, at_boot=True) as held:
        active = held.state.active
        if active is not None:
            held.supervisor.arm(max(1.0, remaining_now_s(active)))
        elif held.options.supervisor != SYSTEMD and held.layout.current_release() is not None:
            held.supervisor.restart()
        return Report(changed=active is not None)


def supervise(device: Device, arguments: argparse.Namespace) -> Report:
    """Be the supervising process until SIGTERM."""
    del arguments
    agent = agent_file()
    command = [sys.executable, *ISOLATED, agent, "serve", "--root", str(device.layout.root)]

    def revert_overdue(supervising: process.Supervising) -> None:
        with session(device, supervisor=process.InProcess(supervising, agent)):
            return  # settling is all that is asked: it reverts what is overdue

    process.Supervising(device.layout, agent, command, revert_overdue).run()
    return Report(silent=True)


def serve(device: Device, arguments: argparse.Namespace) -> Report:
    """Serve what `current` names: by the agent that the release brings, else by this one."""
    folder = arguments.release_folder
    if folder is None:
        number = device.layout.current_release()
        if number is None:
            raise Refusal("not-staged", "no release is current on this device", hint="activate one first")
        folder = str(device.layout.release(number))
        brought = service_agent(Path(folder))
        if brought is not None and brought != agent_file():
            command = [sys.executable, *ISOLATED, brought, *sys.argv[1:], "--release-folder", folder]
            os.execv(sys.executable, command)  # noqa: S606  a list of arguments, no shell wanted
    from edgewright.device.service.serve import serve_release

    signal.pthread_sigmask(signal.SIG_SETMASK, set())
    serve_release(device.layout, Path(folder), listen_fd=arguments.listen_fd, parent=arguments.parent)
    return Report(silent=True)
