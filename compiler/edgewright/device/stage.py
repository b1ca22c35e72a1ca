"""From verified documents and pushed blobs to a complete, synced folder releases/<n>.

Owns `need` (what is still missing) and `stage`. Must not switch `current` nor start anything.

Invariants: releases/<n> appears by one rename, complete and synced, or not at all; files are links to store blobs
where the mode allows, so a second release costs only what differs; a refusal leaves no partial folder.
"""

from __future__ import annotations

import errno
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgewright.device import archive, store
from edgewright.device.files import (
    disk_full_refused,
    free_bytes,
    remove_tree,
    require_space,
    sync_directory,
    sync_tree,
)
from edgewright.device.layout import Layout
from edgewright.device.options import Options
from edgewright.device.refusal import Refusal
from edgewright.device.release import Release
from edgewright.device.state import State, write_state
from edgewright.device.verify import Documents, same_release, verify_release

UNPACKED_PER_WHEEL_BYTE = 4
"""How much larger than its wheel an unpacked runtime may be, for the estimate before the wheel is here.
Measured: onnxruntime 1.32 aarch64 2.6, numpy 2.4 3.1, tokenizers 0.23 3.0."""

NO_LINK = (errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS)
"""A file system that cannot link (FAT, some network ones), or no more names for one file: copy instead."""


def refuse_unconfirmed(state: State) -> None:
    """Refuse `release-unconfirmed` while an activation waits for its confirmation."""
    if state.active is not None:
        raise Refusal(
            "release-unconfirmed",
            f"release {state.active.release} is active and not confirmed, one release at a time",
            hint="confirm or revert it first",
        )


def _refuse_conflict(layout: Layout, release: Release, state: State) -> None:
    """The same number with other content is another release; only one that never ran may be replaced."""
    number = release.number
    if not layout.release(number).exists() or same_release(layout, release):
        return
    if number in (layout.current_release(), layout.confirmed_release(), state.previous):
        raise Refusal(
            "release-conflict",
            f"release {number} is installed with another content than this one",
            hint="raise metadata.version of the blueprint",
        )


def need(layout: Layout, options: Options, state: State, incoming: Path, *, repair: bool = False) -> dict[str, Any]:
    """Verify the documents in `incoming` and say which blobs to push; refuses before the first byte is sent.

    With `repair` blobs that are here already are read, and those that were damaged are asked for again."""
    release, _ = verify_release(layout, options, state, incoming)
    refuse_unconfirmed(state)
    if not repair:
        _refuse_conflict(layout, release, state)
    present = same_release(layout, release) and not repair
    absent = {} if present else store.missing(layout, release.blobs(), deep=repair)
    arrived = {digest: store.arrived_bytes(layout, digest) for digest in absent}
    wheels = {file.digest_hex: file.size_bytes for file in release.files if file.path.startswith("wheels/")}
    estimate = 0 if present else sum(size - min(size, arrived[digest]) for digest, size in absent.items())
    estimate += 0 if present or repair else UNPACKED_PER_WHEEL_BYTE * sum(wheels.values()) + store.MARGIN_BYTES
    require_space(layout.root, estimate, f"release {release.number}")
    if not present and not repair and state.staged != release.number:
        write_state(layout, replace(state, fetching=release.number, staged=None))
    return {
        "release": release.number,
        "staged": present,
        "missing": [{"digest": f"sha256:{d}", "size": size, "arrived": arrived[d]} for d, size in absent.items()],
        "needed_bytes": estimate,
        "free_bytes": free_bytes(layout.root),
    }


def stage(
    layout: Layout, options: Options, state: State, incoming: Path, *, deep: bool = False
) -> tuple[State, Release]:
    """Verify, take the blobs, build releases/<n>. Staging what is staged already changes nothing.

    With `deep` blobs that are in the store are read, and damaged ones replaced by what was pushed."""
    release, documents = verify_release(layout, options, state, incoming)
    number = release.number
    if number == layout.current_release() and same_release(layout, release):
        return _forget_renewal(layout, state, number), release
    refuse_unconfirmed(state)
    _refuse_conflict(layout, release, state)
    if not same_release(layout, release):
        store.take(layout, release.blobs(), deep=deep)
        assemble(layout, release, documents)
        take_its_name(layout, number)
    after = replace(state, fetching=None, staged=number, reverted=None)
    write_state(layout, after)
    store.discard(layout, release.blobs())
    return after, release


def _forget_renewal(layout: Layout, state: State, number: int) -> State:
    """A renewal that was reverted stands in the way of nothing any more once its release is delivered again."""
    if state.reverted is None or state.reverted.get("from") != state.reverted.get("to"):
        return state
    after = replace(state, reverted=None)
    if number == layout.confirmed_release() and state.active is None:
        write_state(layout, after)
        return after
    return state


def assemble(layout: Layout, release: Release, documents: Documents) -> None:
    """Make the folder beside its final place, complete and synced."""
    partial = layout.partial(release.number)
    remove_tree(partial)
    wheels = [file for file in release.files if file.path.startswith("wheels/")]
    unpacked = sum(
        member.size_bytes
        for wheel in wheels
        for member in archive.list_members(layout.blob(wheel.digest_hex), wheel.path)
    )
    copied = sum(file.size_bytes for file in release.files if file.executable)
    require_space(layout.releases, unpacked + copied + store.MARGIN_BYTES, f"unpacking release {release.number}")
    try:
        with disk_full_refused(f"unpacking release {release.number}"):
            _fill(layout, release, documents, partial)
            sync_tree(partial)
    except (OSError, Refusal):
        remove_tree(partial)
        raise


def take_its_name(layout: Layout, number: int) -> None:
    """Give an assembled folder its name; the one of that name must be needed by nothing."""
    remove_tree(layout.release(number))
    os.rename(layout.partial(number), layout.release(number))
    sync_directory(layout.releases)


def _fill(layout: Layout, release: Release, documents: Documents, folder: Path) -> None:
    for name in ("artifact", "site", "agent"):
        (folder / name).mkdir(parents=True, mode=0o755)
    taken: dict[str, tuple[int, int]] = {}
    for file in release.files:
        blob = layout.blob(file.digest_hex)
        if file.path.startswith("wheels/"):
            archive.unpack(blob, file.path, folder / "site", taken)
            continue
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        _place(blob, target, file.executable)
    for name, content in (
        ("statement.json", documents.statement),
        ("statement.json.sig", documents.signature),
        ("manifest.json", documents.manifest),
    ):
        (folder / name).write_bytes(content)
        os.chmod(folder / name, 0o644)


def _place(blob: Path, target: Path, executable: bool) -> None:
    """Link a blob to its name; copy where the mode differs or the file system has no links."""
    if not executable:
        try:
            os.link(blob, target, follow_symlinks=False)
            return
        except OSError as error:
            if error.errno not in NO_LINK:
                raise
    shutil.copyfile(blob, target, follow_symlinks=False)
    os.chmod(target, 0o755 if executable else 0o644)


def check_files(layout: Layout, release: Release) -> None:
    """Refuse `blob-tampered` unless every installed file still has the bytes that were signed."""
    for file in release.files:
        if file.path.startswith("wheels/"):
            path = layout.blob(file.digest_hex)
        else:
            path = layout.release(release.number) / file.path
        found = store.file_digest(path)
        if found != file.digest_hex:
            raise Refusal(
                "blob-tampered",
                f"releases/{release.number}/{file.path} has sha256:{found}, signed was sha256:{file.digest_hex}",
                hint="remove the release folder and its blob, then stage again",
            )
