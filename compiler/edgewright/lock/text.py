"""The text of a lock: one entry a block, keys in a fixed order, every entry with a digest of its own.

Pure but for `write_lock`. There is no digest over the whole file: two branches that change different entries merge.
Invariant: the same lock has the same bytes, so an entry that did not change is the same lines.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from edgewright.kernel.files import write_atomic
from edgewright.spec.v1beta1.lock import Lock, LockEntry

_HEAD = "# Written by `edgewright lock`. Reviewed like code, never edited by hand.\n"
_WIDTH = 10**9


def lock_text(lock: Lock) -> str:
    """The file."""
    document: dict[str, Any] = {
        "apiVersion": lock.api_version,
        "kind": lock.kind,
        "metadata": {"name": lock.metadata.name},
        "spec": {"blueprint": lock.spec.blueprint},
    }
    head = yaml.dump(document, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
    return _HEAD + head + "  entries:\n" + "".join(map(_block, lock.spec.entries))


def _block(entry: LockEntry) -> str:
    value = [entry.model_dump(mode="json", by_alias=True, exclude_none=True)]
    text = yaml.dump(value, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
    return "".join(f"  {line}" for line in text.splitlines(keepends=True))


def write_lock(path: Path, lock: Lock) -> bool:
    """Write a lock whole or not at all; tells whether the file changed."""
    data = lock_text(lock).encode()
    if path.is_file() and not path.is_symlink() and path.read_bytes() == data:
        return False
    write_atomic(path, data)
    return True
