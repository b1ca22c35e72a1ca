"""Repair: a release that runs here gets its signed files back, or other options, without another number.

Owns `stage --repair` and the swap of a damaged folder for a good one. Must not start anything: what it stages is
activated like any release, and goes back to the options it had unless it is confirmed (a *renewal*: the activation of
the release that is confirmed already).

Invariants: nothing is replaced before its replacement is complete and synced; the record says that a renewal is due
before the first file changes; `finish_swap` completes a swap that a crash cut between its two renames.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from edgewright.device import store
from edgewright.device.documents import read_capped
from edgewright.device.files import remove_tree, sync_directory
from edgewright.device.inspection import BUDGET_S, document_digest, is_intact
from edgewright.device.layout import Layout
from edgewright.device.options import OPTIONS_CAP_BYTES, Options
from edgewright.device.refusal import Refusal
from edgewright.device.release import Release
from edgewright.device.stage import assemble, refuse_unconfirmed, stage
from edgewright.device.state import State, write_state
from edgewright.device.verify import same_release, verify_installed, verify_release


def stage_repair(
    layout: Layout,
    options: Options,
    state: State,
    incoming: Path,
    running_release: Callable[[], int | None],
) -> tuple[State, Release]:
    """Like `stage`; where the release runs already, make it what was signed, and stage it again if that is needed.

    `running_release` asks the service what it serves: one that is down is started anew. Repeating changes nothing."""
    release, documents = verify_release(layout, options, state, incoming)
    number = release.number
    if number != layout.current_release() or number != layout.confirmed_release():
        return stage(layout, options, state, incoming, deep=True)
    refuse_unconfirmed(state)
    _refuse_other_content(layout, options, release)
    good = same_release(layout, release) and is_intact(layout, release, BUDGET_S)
    if good and not _is_renewal_due(layout, state, number) and running_release() == number:
        store.discard(layout, release.blobs())
        return state, release
    after = replace(state, fetching=None, staged=number, reverted=None)
    write_state(layout, after)
    if not good:
        kept = _kept_options(layout, number)
        store.take(layout, release.blobs(), deep=True)
        assemble(layout, release, documents)
        if kept is not None:
            _write(layout.partial(number) / "device.json", kept)
        _swap(layout, number)
    store.discard(layout, release.blobs())
    return after, release


def _is_renewal_due(layout: Layout, state: State, number: int) -> bool:
    """Whether the options here are not those the release runs with, or a renewal was cut off or reverted."""
    written = document_digest(layout.options, OPTIONS_CAP_BYTES)
    applied = document_digest(layout.release_options(number), OPTIONS_CAP_BYTES)
    return written != applied or state.staged == number or state.reverted is not None


def _refuse_other_content(layout: Layout, options: Options, release: Release) -> None:
    """A folder that is authentic and another release is a conflict; one that is not authentic is damaged."""
    try:
        installed = verify_installed(layout, options, release.number)
    except Refusal:
        return
    if installed.statement.manifest_hex != release.statement.manifest_hex:
        raise Refusal(
            "release-conflict",
            f"release {release.number} is installed with another content than this one",
            hint="raise metadata.version of the blueprint",
        )


def _kept_options(layout: Layout, number: int) -> bytes | None:
    try:
        return read_capped(layout.release_options(number), OPTIONS_CAP_BYTES, "options-invalid")
    except Refusal:
        return None


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    os.chmod(path, 0o644)
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    sync_directory(path.parent)


def _swap(layout: Layout, number: int) -> None:
    """Two renames: what stands under the name steps aside, what was assembled takes it."""
    remove_tree(layout.replaced(number))
    os.rename(layout.release(number), layout.replaced(number))
    sync_directory(layout.releases)
    finish_swap(layout, number)


def finish_swap(layout: Layout, number: int | None) -> None:
    """Complete a swap; nothing to do where none was begun. What stepped aside proves that the other is complete."""
    if number is None or not os.path.lexists(layout.replaced(number)):
        return
    if not os.path.lexists(layout.release(number)):
        os.rename(layout.partial(number), layout.release(number))
        sync_directory(layout.releases)
    remove_tree(layout.replaced(number))
    sync_directory(layout.releases)
