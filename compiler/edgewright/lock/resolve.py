"""Resolves everything a blueprint names to digests, sizes and licences.

The one stage that may look names up. What it finds is a `Lock` document; nothing after it resolves a name. Invariant:
an entry that answers what is asked now, and that nobody edited, is kept as it is unless it is asked for again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from packaging.utils import parse_wheel_filename

from edgewright.kernel.diagnostics import asked_at, fail
from edgewright.kernel.digest import digest_file
from edgewright.kernel.events import Event, EventSink
from edgewright.load.documents import Repository
from edgewright.load.yaml12 import SpanMap
from edgewright.lock.licenses import dataset_license
from edgewright.lock.selection import Selection, package_name
from edgewright.lock.wanted import Wanted, tool_file, wanted_entries
from edgewright.plugins.protocols import FileDigest, SourceContext, WheelRequirement
from edgewright.plugins.registry import Registry
from edgewright.plugins.wheel_metadata import license_note, spdx_expression, spdx_license_of_wheel
from edgewright.plugins.wheels import cached_wheel, resolve_wheels
from edgewright.spec.base import Metadata
from edgewright.spec.v1beta1.blueprint import Blueprint
from edgewright.spec.v1beta1.documents import API_VERSION
from edgewright.spec.v1beta1.lock import Lock, LockedFile, LockEntry, LockSpec


@dataclass(frozen=True, slots=True)
class Resolver:
    """One run of `lock` over one blueprint."""

    repository: Repository
    blueprint: Blueprint
    registry: Registry
    cache: Path
    events: EventSink
    selection: Selection

    def lock(self, old: Lock | None) -> Lock:
        """The lock of what is asked now: entries of the old one where they hold, new ones by way of the network."""
        known = {(e.kind, e.name): e for e in old.spec.entries} if old is not None else {}
        name = self.blueprint.metadata.name
        entries = [
            self._entry(wanted, known.get((wanted.kind, wanted.name)))
            for wanted in wanted_entries(self.repository, self.blueprint, self.registry)
        ]
        entries.sort(key=lambda entry: (entry.kind, entry.name))
        spec = LockSpec(blueprint=name, entries=tuple(entries))
        return Lock(api_version=API_VERSION, kind="Lock", metadata=Metadata(name=name), spec=spec)

    def _entry(self, wanted: Wanted, old: LockEntry | None) -> LockEntry:
        holds = old is not None and old.request == dict(wanted.request) and old.content_digest == old.own_digest
        usable = old if holds else None
        if wanted.kind == "model":
            found = self._model(wanted, usable)
        elif wanted.kind == "runtime":
            found = self._runtime(wanted, usable)
        elif wanted.kind == "dataset":
            found = self._dataset(wanted)
        else:
            found = _of(wanted, (_file(tool_file(wanted.name), (None, None)),))
        return found.sealed()

    def _model(self, wanted: Wanted, old: LockEntry | None) -> LockEntry:
        fresh = self.selection.has_entry(wanted)
        source = self.blueprint.spec.model.source
        # a folder of the repository changes with it and asks nobody; every other source names what never changes
        if old is not None and not fresh and source.type != "directory":
            return old
        self.events(Event("lock", f"{self.blueprint.metadata.name} model", "start", source.type))
        with asked_at(self._spans.span(wanted.origin)):
            context = SourceContext(self.repository.root, self.cache, fresh=fresh)
            resolved = self.registry.source(source.type).resolve(source, context)
        expression = spdx_expression(resolved.license) if resolved.license else None
        note = None if expression else license_note(resolved.license or "")
        files = tuple(LockedFile(name=f.name, digest=f.digest, size=f.size) for f in resolved.files)
        return _of(wanted, files, expression, note)

    def _dataset(self, wanted: Wanted) -> LockEntry:
        file = self.repository.root / wanted.name
        locked = LockedFile(name=file.name, digest=digest_file(file), size=file.stat().st_size)
        return _of(wanted, (locked,), *dataset_license(file))

    def _runtime(self, wanted: Wanted, old: LockEntry | None) -> LockEntry:
        """The wheels of a runtime; with an entry that holds, only those that are asked for again."""
        is_whole = old is None or self.selection.has_entry(wanted)
        again = [wheel for wheel in wanted.wheels if is_whole or self.selection.has_package(wheel.package)]
        if not again and old is not None:
            return old
        subject = f"{self.blueprint.metadata.name} {wanted.name}"
        self.events(Event("lock", subject, "start", f"{len(again)} packages"))
        fresh = bool(self.selection.patterns) and old is not None
        found = {_package_of(file.name): file for file in self._wheels(wanted, again, fresh=fresh)}
        kept = {_package_of(file.name): file for file in (old.files if old is not None and not is_whole else ())}
        merged = kept | found
        return _of(wanted, tuple(sorted(merged.values(), key=lambda file: file.name)))

    def _wheels(self, wanted: Wanted, wheels: list[WheelRequirement], *, fresh: bool) -> list[LockedFile]:
        if wanted.choice is None:
            raise ValueError(f"{wanted.name} was not made from a build")
        target = wanted.choice.target.spec
        with asked_at(self._spans.span(wanted.origin)):
            if target.python is None:
                raise fail(
                    "target-python-missing",
                    f"{wanted.choice.target_name} does not say which Python it has; {wanted.name} needs wheels for one",
                    hint=f'write python: "3.11" (what python3 --version says there) into the target '
                    f"{wanted.choice.target_name}",
                )
            found = resolve_wheels(
                wheels,
                target.architecture,
                target.libc.version,
                target.python,
                self.cache,
                libc_family=target.libc.family,
                fresh=fresh,
            )
        return [_file(file, self._license(file)) for file in found]

    def _license(self, wheel: FileDigest) -> tuple[str | None, str | None]:
        path = cached_wheel(wheel, self.cache)
        return spdx_license_of_wheel(path) if path is not None else (None, "the wheel is not in the cache")

    @property
    def _spans(self) -> SpanMap:
        return self.repository.blueprints[self.blueprint.metadata.name].spans


def _package_of(file_name: str) -> str:
    return package_name(parse_wheel_filename(file_name)[0])


def _file(file: FileDigest, license_and_note: tuple[str | None, str | None]) -> LockedFile:
    license_id, note = license_and_note
    return LockedFile(name=file.name, digest=file.digest, size=file.size, license=license_id, license_note=note)


def _of(
    wanted: Wanted, files: tuple[LockedFile, ...], license_id: str | None = None, note: str | None = None
) -> LockEntry:
    return LockEntry(
        kind=wanted.kind,
        name=wanted.name,
        request=dict(wanted.request),
        license=license_id,
        license_note=note,
        files=files,
    )
