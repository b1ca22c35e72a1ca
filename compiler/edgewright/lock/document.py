"""The lock as the rest of the compiler reads it: lookups by what a blueprint names, and the test that it is current.

Pure. A lock is current when every entry's `request` equals what the documents ask for now; whether the bytes behind a
digest are right is proved where they are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from edgewright.kernel.diagnostics import Diagnostic, Related, Span, fail
from edgewright.load.documents import Loaded
from edgewright.lock.wanted import Wanted, platform_name
from edgewright.plugins.protocols import FileDigest
from edgewright.spec.v1beta1.blueprint import Blueprint
from edgewright.spec.v1beta1.lock import EntryKind, Lock, LockEntry
from edgewright.spec.v1beta1.target import TargetSpec

RUN_LOCK = "run edgewright lock and commit the result"


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
            raise fail("lock-stale", f"the lock has no {kind} {name!r}", hint=RUN_LOCK)
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

    @property
    def has_tools(self) -> bool:
        """Tools are locked. Locks of the first format have none, and stay current without them."""
        return any(entry.content_digest is not None for entry in self.lock.spec.entries)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which lock and documents differ: what, and the position of the entry, if there is one."""

    words: str
    position: int | None = None
    wanted: Wanted | None = None
    details: tuple[str, ...] = ()


def differences(view: LockView, wanted: Iterable[Wanted]) -> Iterator[Difference]:
    """Everything in which the lock differs from what the documents ask for; nothing when it is current."""
    positions = {(entry.kind, entry.name): index for index, entry in enumerate(view.lock.spec.entries)}
    names = set()
    for want in wanted:
        names.add((want.kind, want.name))
        position = positions.get((want.kind, want.name))
        if position is None:
            if want.kind != "tool" or view.has_tools:
                yield Difference(f"{want.kind} {want.name} is not locked", wanted=want)
            continue
        entry = view.lock.spec.entries[position]
        if entry.request != dict(want.request):
            words = f"{want.kind} {want.name} was locked for another request"
            yield Difference(words, position, want, tuple(_details(entry, want)))
    for position, entry in enumerate(view.lock.spec.entries):
        if (entry.kind, entry.name) not in names:
            yield Difference(f"{entry.kind} {entry.name} is locked and no longer named", position)


def _details(entry: LockEntry, want: Wanted) -> Iterator[str]:
    for key in sorted(entry.request.keys() | want.request.keys()):
        locked, asked = entry.request.get(key), want.request.get(key)
        if locked != asked:
            yield f"{key}: locked {_shown(locked)}, asked for {_shown(asked)}"


def _shown(value: object) -> str:
    return "nothing" if value is None else str(value)[:120]


def stale_entries(view: LockView, wanted: Iterable[Wanted]) -> list[str]:
    """What differs between the lock and the documents, one phrase each; empty when the lock is current."""
    return [difference.words for difference in differences(view, wanted)]


def stale_diagnostics(
    lock: Loaded[Lock], wanted: Iterable[Wanted], blueprint: Loaded[Blueprint]
) -> Iterator[Diagnostic]:
    """Every difference at its line: of the lock where it has one, else of the blueprint."""
    for found in differences(LockView(lock.document), wanted):
        related: tuple[Related, ...] = ()
        if found.wanted is not None and found.position is not None:
            related = (Related(blueprint.spans.span(found.wanted.origin), "asked for here"),)
        yield Diagnostic(
            "lock-stale",
            f"{lock.path} is not current: {found.words}",
            span=_place(found, lock, blueprint),
            notes=found.details,
            related=related,
            hint=RUN_LOCK,
        )


def _place(found: Difference, lock: Loaded[Lock], blueprint: Loaded[Blueprint]) -> Span:
    if found.position is None:
        return blueprint.spans.span(found.wanted.origin if found.wanted else ("metadata", "name"))
    key = "request" if found.wanted is not None else "name"
    path = ("spec", "entries", found.position, key)
    return lock.spans.key_span(path) if key == "request" else lock.spans.span(path)


def missing_lock(blueprint: Blueprint, path: str) -> Diagnostic:
    """The diagnostic for a blueprint that was never locked."""
    return Diagnostic(
        "lock-missing",
        f"{blueprint.metadata.name} has no lock: {path} does not exist",
        subject=path,
        hint=f"run edgewright lock --blueprint {blueprint.metadata.name} and commit the result",
    )
