"""Activate, confirm, revert, roll back: the moves of the two links.

Owns the order of writes, and the repair after a crash (`settle`). Must not know how a service is started: it is given
a `Supervisor`.

Invariants: the link `current` changes by one rename, always after the record that explains it; the timer that undoes an
activation is armed before the activation; the link `confirmed` is the commit point of a confirmation; every move can be
repeated.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from edgewright.device.files import FULL, disk_full_refused, free_bytes, remove_symlink, replace_symlink
from edgewright.device.layout import Layout
from edgewright.device.options import Options, keep_options, restore_options
from edgewright.device.refusal import Refusal, Unhealthy
from edgewright.device.repair import finish_swap
from edgewright.device.stage import check_files
from edgewright.device.state import Activation, State, boot_id, deny, remaining_now_s, timestamp, write_state
from edgewright.device.supervise import Supervisor
from edgewright.device.verify import check_denied, check_order, check_time, verify_installed

RESERVE_BYTES = 64 * 1024
"""Set aside while staging, given up to revert on a full disk."""
RETURN_MARGIN_S, RETURN_MARGIN_PART = 15.0, 0.25
"""A revert starts this much before the confirm timeout, so that the device is back within it."""

TIMED_OUT = {"slug": "confirm-timeout", "message": "nobody confirmed in time", "deny": False}


def reserve_space(layout: Layout) -> None:
    """Keep a little of the disk for the record of a revert."""
    if not layout.reserve.exists():
        with disk_full_refused("reserving space for a revert"):
            layout.reserve.write_bytes(b"\0" * RESERVE_BYTES)


def activate(
    layout: Layout, options: Options, state: State, supervisor: Supervisor, number: int, timeout_s: float
) -> State:
    """Switch to a staged release, unconfirmed. Repeating it changes nothing and does not extend the time.

    A staged release that is confirmed already is renewed: started anew, by the options that were delivered with it."""
    is_done = state.staged != number if state.active is None else state.active.release == number
    if layout.current_release() == number and is_done:
        return state
    if state.active is not None:
        raise Refusal(
            "release-unconfirmed",
            f"release {state.active.release} is active and not confirmed, one release at a time",
            hint="confirm or revert it first",
        )
    if not layout.release(number).is_dir():
        raise Refusal("not-staged", f"release {number} is not staged on this device", hint="run stage first")
    check_denied(number, state)
    check_order(number, state)
    release = verify_installed(layout, options, number)
    check_time(release.statement, time.time())
    check_files(layout, release)
    due_s = timeout_s - min(RETURN_MARGIN_S, timeout_s * RETURN_MARGIN_PART)
    supervisor.prepare(due_s)
    active = Activation(
        release=number,
        previous=layout.confirmed_release(),
        at_wall=time.time(),
        at_monotonic=time.monotonic(),
        timeout_s=due_s,
        boot_id=boot_id(),
    )
    after = replace(
        state,
        active=active,
        staged=None,
        fetching=None,
        reverted=None,
        health=None,
        agent=supervisor.agent_path(),
        restart_due=True,
    )
    with disk_full_refused(f"activating release {number}"):
        write_state(layout, after)
        if not active.is_renewal:  # until it is confirmed, a renewal goes back to the options it had
            keep_options(layout, number)
        supervisor.arm(max(0.001, remaining_now_s(active)))
        replace_symlink(layout.current, f"releases/{number}")
    return _restart(layout, after, supervisor)


def _restart(layout: Layout, state: State, supervisor: Supervisor) -> State:
    """Run what `current` names, and note that it was done."""
    supervisor.restart()
    after = replace(state, restart_due=False)
    write_state(layout, after)
    return after


def _restart_again(layout: Layout, state: State, supervisor: Supervisor) -> State:
    """The restart a crash cut off, if any. A service that will not start must not stand in the way of a revert."""
    if state.restart_due:
        with contextlib.suppress(Unhealthy):
            return _restart(layout, state, supervisor)
    return state


def confirm(
    layout: Layout, state: State, supervisor: Supervisor, number: int, running_release: Callable[[], int | None]
) -> State:
    """Make the active release the one to return to. `running_release` asks the service which release it serves."""
    active = state.active
    was_left = state.reverted is not None and state.reverted.get("from") == number
    if active is None and layout.current_release() == number == layout.confirmed_release() and not was_left:
        return state
    if active is None or active.release != number:
        if state.reverted is not None and was_left:
            why = state.reverted.get("slug")
            raise Refusal(
                "confirm-too-late", f"release {number} was reverted on this device at {state.reverted.get('at')}: {why}"
            )
        raise Refusal("nothing-to-confirm", f"release {number} is not waiting for a confirmation on this device")
    if not active.healthy:
        raise Refusal("not-healthy", f"release {number} has not passed its health check", hint="run health first")
    running = running_release()
    if running != number:
        raise Unhealthy("service-unhealthy", f"the service answers for release {running}, not for {number}")
    with disk_full_refused(f"confirming release {number}"):
        if active.is_renewal:
            keep_options(layout, number)
        replace_symlink(layout.confirmed, f"releases/{number}")
        after = confirmed_state(state, number)
        write_state(layout, after)
    supervisor.disarm()
    return after


def confirmed_state(state: State, number: int) -> State:
    """The record after `number` was confirmed; pure."""
    before = None if state.active is None else state.active.previous
    previous = before if before != number else state.previous
    return replace(
        state, active=None, previous=previous, reverted=None, highest_confirmed=max(state.highest_confirmed, number)
    )


def revert(layout: Layout, state: State, supervisor: Supervisor, why: Mapping[str, Any]) -> State:
    """Return from the active release to the confirmed one. `why` is {slug, message, deny}.

    Goes on when the disk is full: the record may wait, the link may not."""
    active = state.active
    if active is None:
        raise Refusal("nothing-to-revert", "no release is active and unconfirmed on this device")
    why = active.reverting or why
    if free_bytes(layout.root) < 4 * RESERVE_BYTES:
        with contextlib.suppress(OSError):
            os.unlink(layout.reserve)
    begun = replace(state, active=replace(active, reverting=dict(why)))
    if why.get("deny") and not active.is_renewal:
        begun = deny(begun, active.release, str(why["slug"]), str(why["message"]))
    try:
        write_state(layout, begun)
    except OSError as error:
        if error.errno not in FULL:
            raise
    _return_to_confirmed(layout, supervisor)
    after = reverted_state(begun, layout.confirmed_release())
    with disk_full_refused("recording the revert (the device is back on its confirmed release)"):
        write_state(layout, after)
    supervisor.disarm()
    return after


def reverted_state(state: State, confirmed: int | None) -> State:
    """The record after the active release was left; pure."""
    active = state.active
    if active is None:
        return state
    why = active.reverting or TIMED_OUT
    entry = {
        "from": active.release,
        "to": confirmed,
        "slug": why["slug"],
        "message": why["message"],
        "at": timestamp(time.time()),
    }
    return replace(state, active=None, reverted=entry, staged=None, fetching=None, health=None, restart_due=False)


def _return_to_confirmed(layout: Layout, supervisor: Supervisor) -> None:
    confirmed = layout.confirmed_release()
    if confirmed is None:
        remove_symlink(layout.current)
        supervisor.stop()
    else:
        with contextlib.suppress(Refusal, OSError):  # whatever became of the options, the way back stays open
            supervisor.adopt(restore_options(layout, confirmed))
        replace_symlink(layout.current, f"releases/{confirmed}")
        supervisor.restart()


def rollback(layout: Layout, state: State, supervisor: Supervisor, why: Mapping[str, Any]) -> State:
    """Leave the confirmed release for the one confirmed before it; while unconfirmed, the same as `revert`."""
    if state.active is not None:
        was_renewal = state.active.is_renewal
        state = revert(layout, state, supervisor, why)
        if not was_renewal:
            return state
    leaving, previous = layout.confirmed_release(), state.previous
    if leaving is None or previous is None or not layout.release(previous).is_dir():
        raise Refusal(
            "nothing-to-roll-back",
            f"no release before {leaving if leaving is not None else 'the first'} is kept on this device",
            hint="release the older model again under a higher version",
        )
    supervisor.prepare(0)
    entry = {"from": leaving, "to": previous, "slug": why["slug"], "message": why["message"]}
    begun = replace(
        state,
        reverted={**entry, "at": timestamp(time.time())},
        staged=None,
        fetching=None,
        health=None,
        restart_due=True,
    )
    if why.get("deny"):
        begun = deny(begun, leaving, str(why["slug"]), str(why["message"]))
    with disk_full_refused("rolling back"):
        write_state(layout, begun)
    return _finish_rollback(layout, begun, supervisor, previous)


def _finish_rollback(layout: Layout, state: State, supervisor: Supervisor, to: int) -> State:
    with disk_full_refused("rolling back"):
        supervisor.adopt(restore_options(layout, to))
        replace_symlink(layout.confirmed, f"releases/{to}")
        replace_symlink(layout.current, f"releases/{to}")
    return _restart(layout, replace(state, previous=None), supervisor)


def settle(layout: Layout, state: State, supervisor: Supervisor) -> State:
    """Finish what a crash cut in two, and revert what is overdue. Run under the lock before every change."""
    current, confirmed, active = layout.current_release(), layout.confirmed_release(), state.active
    finish_swap(layout, current)
    if active is not None and current == active.release == confirmed and not active.is_renewal:
        after = confirmed_state(state, confirmed)
        write_state(layout, after)
        supervisor.disarm()
        return after
    if active is not None and current == active.release:
        if active.reverting is not None or remaining_now_s(active) <= 0:
            return revert(layout, state, supervisor, TIMED_OUT)
        if active.is_renewal and state.restart_due:  # its link was there before, so nothing says that it was armed
            supervisor.arm(max(0.001, remaining_now_s(active)))
        return _restart_again(layout, state, supervisor)
    if active is not None and active.reverting is not None:
        return revert(layout, state, supervisor, active.reverting)
    if active is not None:  # the record was written and the link never switched
        after = replace(state, active=None, staged=active.release, restart_due=False)
        write_state(layout, after)
        supervisor.disarm()
        return after
    left = None if state.reverted is None else state.reverted.get("from")
    if state.reverted is not None and left is not None and left == confirmed != state.reverted["to"]:
        return _finish_rollback(layout, state, supervisor, int(state.reverted["to"]))
    if current != confirmed:  # a rollback was cut between the two links, or the record was lost
        _return_to_confirmed(layout, supervisor)
        state = replace(state, restart_due=False)
        write_state(layout, state)
    state = _restart_again(layout, state, supervisor)
    if state.staged is not None and not layout.release(state.staged).is_dir():
        state = replace(state, staged=None)
        write_state(layout, state)
    return state
