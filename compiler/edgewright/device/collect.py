"""Garbage collection: what may go.

Owns the decision and the deletion. Invariants: nothing that `current`, `confirmed`, an activation, a staged release or
a possible rollback needs is deleted; deletion goes from what names to what is named, so a crash leaves no release whose
blobs are gone.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from edgewright.device.documents import HEX_SHA256, parse_object, read_capped
from edgewright.device.files import remove_tree, sync_directory
from edgewright.device.layout import Layout
from edgewright.device.refusal import Refusal
from edgewright.device.state import State
from edgewright.device.verify import MANIFEST_CAP_BYTES


def kept_releases(layout: Layout, state: State, *, drop_previous: bool) -> set[int]:
    """Numbers of the releases something still needs."""
    wanted = {layout.current_release(), layout.confirmed_release(), state.staged}
    if state.active is not None:
        wanted |= {state.active.release, state.active.previous}
    if not drop_previous:
        wanted.add(state.previous)
    return {number for number in wanted if number is not None}


def _blobs_of(manifest: Path) -> set[str]:
    """The blobs a manifest names; a manifest nobody verified names what it likes, which only keeps more."""
    document = parse_object(
        read_capped(manifest, MANIFEST_CAP_BYTES, "manifest-mismatch"), "manifest.json", "manifest-mismatch"
    )
    layers = document.get("layers")
    digests = [layer.get("digest") for layer in layers if isinstance(layer, dict)] if isinstance(layers, list) else []
    return {digest.partition(":")[2] for digest in digests if isinstance(digest, str)}


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _size_bytes(path: Path) -> int:
    """What removing a path gives back: bytes of files that have no other name."""
    if path.is_symlink() or not path.exists():
        return 0
    if path.is_file():
        status = path.stat()
        return status.st_size if status.st_nlink == 1 else 0
    return sum(_size_bytes(Path(entry.path)) for entry in os.scandir(path))


def collect(layout: Layout, state: State, agents: Iterable[str | None], *, drop_previous: bool) -> dict[str, Any]:
    """Delete releases, blobs, incoming leftovers and agents that nothing needs; returns what went."""
    kept = kept_releases(layout, state, drop_previous=drop_previous)
    waiting = state.fetching
    doomed = [path for path in _entries(layout.releases) if not (path.name.isdigit() and int(path.name) in kept)]
    doomed += [
        path
        for path in _entries(layout.incoming)
        if path.name != "blobs" and path.name != (str(waiting) if waiting else "")
    ]
    freed = _delete(doomed)
    needed: set[str] = set()
    for number in kept:
        if layout.release(number).is_dir():
            needed |= _blobs_of(layout.release(number) / "manifest.json")
    if waiting is not None:
        try:
            needed |= _blobs_of(layout.incoming / str(waiting) / "manifest.json")
        except Refusal:
            needed |= {path.name for path in _entries(layout.incoming / "blobs")}
    blobs = [path for path in _entries(layout.store) if not (HEX_SHA256.fullmatch(path.name) and path.name in needed)]
    blobs += [path for path in _entries(layout.incoming / "blobs") if path.name.partition(".")[0] not in needed]
    freed += _delete(blobs)
    running = {os.path.realpath(agent) for agent in agents if agent}
    old = [path for path in _entries(layout.agents) if os.path.realpath(path) not in running]
    freed += _delete(old)
    return {
        "removed_releases": sorted(
            int(path.name) for path in doomed if path.parent == layout.releases and path.name.isdigit()
        ),
        "removed_blobs": sum(path.parent == layout.store for path in blobs),
        "removed_agents": len(old),
        "freed_bytes": freed,
        "kept_releases": sorted(kept),
    }


def _delete(paths: list[Path]) -> int:
    freed = 0
    for path in paths:
        freed += _size_bytes(path)
        remove_tree(path)
    for folder in {path.parent for path in paths}:
        sync_directory(folder)
    return freed
