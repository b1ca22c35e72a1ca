"""The lock as the rest of the compiler reads it: lookups by what a blueprint names, and the test that it is current.

Pure. A lock is current when every entry's `request` equals what the documents ask for now; whether the bytes behind a
digest are right is proved where they are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgewright.kernel.diagnostics import Diagnostic, fail
from edgewright.plugins.protocols import FileDigest, WheelRequirement
from edgewright.spec.v1beta1.blueprint import Blueprint
from edgewright.spec.v1beta1.lock import EntryKind, Lock, LockEntry
from edgewright.spec.v1beta1.target import TargetSpec


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing that the documents ask for: the identity and the request of a lock entry."""

    kind: EntryKind
    name: str
    request: Mapping[str, Any]


def platform_name(target: TargetSpec) -> str:
    """Name of the platform that decides which wheels install: `aarch64-glibc2.36-py3.11`."""
    return f"{target.architecture}-{target.libc.family}{target.libc.version}-py{target.python}"


def wanted_runtime(backend: str, target: TargetSpec, wheels: Sequence[WheelRequirement]) -> Wanted:
    """The runtime entry of a backend on a platform."""
    request = {
        "wheels": sorted(f"{wheel.package}=={wheel.version}" for wheel in wheels),
        "architecture": target.architecture,
        "glibc": target.libc.version,
        "python": target.python or "",
    }
    return Wanted("runtime", f"{backend}/{platform_name(target)}", request)


@dataclass(frozen=True, slots=True)
class LockView:
    """A lock with its lookups."""

    lock: Lock

    def entry(self, kind: EntryKind, name: str) -> LockEntry | None:
        """The entry of that kind and name."""
        return next((e for e in self.lock.spec.entries if e.kind == kind and e.name == name), None)

    def _files(self, kind: EntryKind, name: str) -> tuple[FileDigest, ...]:
        entry = self.entry(kind, name)
        if entry is None:
            raise fail(
                "lock-stale", f"the lock has no {kind} {name!r}", hint="run edgewright lock and commit the result"
            )
        return tuple(FileDigest(f.name, f.digest, f.size) for f in entry.files)

    @property
    def model_files(self) -> tuple[FileDigest, ...]:
        """The files of the model's source."""
        return self._files("model", "model")

    def dataset_files(self, path: str) -> tuple[FileDigest, ...]:
        """The file of a dataset."""
        return self._files("dataset", path)

    def runtime_files(self, backend: str, target: TargetSpec) -> tuple[FileDigest, ...]:
        """The wheels of a backend's runtime on a platform; none when the lock has no such entry."""
        name = f"{backend}/{platform_name(target)}"
        return self._files("runtime", name) if self.entry("runtime", name) else ()


def stale_entries(view: LockView, wanted: Iterable[Wanted]) -> list[str]:
    """What differs between the lock and the documents, one phrase each; empty when the lock is current."""
    differences = []
    names = set()
    for want in wanted:
        names.add((want.kind, want.name))
        entry = view.entry(want.kind, want.name)
        if entry is None:
            differences.append(f"{want.kind} {want.name} is not locked")
        elif entry.request != dict(want.request):
            differences.append(f"{want.kind} {want.name} was locked for another request")
    differences += [
        f"{entry.kind} {entry.name} is locked and no longer named"
        for entry in view.lock.spec.entries
        if (entry.kind, entry.name) not in names
    ]
    return differences


def missing_lock(blueprint: Blueprint, path: str) -> Diagnostic:
    """The diagnostic for a blueprint that was never locked."""
    return Diagnostic(
        "lock-missing",
        f"{blueprint.metadata.name} has no lock: {path} does not exist",
        subject=path,
        hint=f"run edgewright lock --blueprint {blueprint.metadata.name} and commit the result",
    )
