"""Resolves everything a blueprint names to digests: the model's files, the datasets, the runtime wheels.

The one stage that may look names up. What it finds is a `Lock` document; nothing after it resolves a name.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from edgewright.kernel.diagnostics import asked_at
from edgewright.kernel.digest import digest_file
from edgewright.kernel.events import Event, EventSink
from edgewright.kernel.files import write_atomic
from edgewright.load.documents import Loaded, Repository
from edgewright.lock.choices import BuildChoice, choices_of
from edgewright.lock.document import Wanted, wanted_runtime
from edgewright.plugins.protocols import FileDigest, SourceContext, WheelRequirement
from edgewright.plugins.registry import Registry
from edgewright.plugins.wheels import resolve_wheels
from edgewright.spec.base import Metadata
from edgewright.spec.v1beta1.blueprint import Blueprint
from edgewright.spec.v1beta1.lock import Lock, LockedFile, LockEntry, LockSpec


def lock_path(blueprint: Loaded[Blueprint]) -> str:
    """Where the lock of a blueprint lies: beside it, as `<name>.lock.yaml`."""
    return (Path(blueprint.path).parent / f"{blueprint.document.metadata.name}.lock.yaml").as_posix()


def _runtimes(
    repository: Repository, blueprint: Blueprint, registry: Registry
) -> Iterator[tuple[Wanted, tuple[WheelRequirement, ...], BuildChoice]]:
    seen = set()
    for choice in choices_of(repository, blueprint):
        needs = registry.backend(choice.build.backend).runtime(choice.request(blueprint))
        wanted = wanted_runtime(choice.build.backend, choice.target.spec, needs.wheels)
        if needs.wheels and wanted.name not in seen:
            seen.add(wanted.name)
            yield wanted, needs.wheels, choice


def _datasets(repository: Repository, blueprint: Blueprint) -> list[str]:
    paths = {blueprint.spec.evaluation.dataset}
    for choice in choices_of(repository, blueprint):
        if choice.recipe.calibration is not None:
            paths.add(choice.recipe.calibration.dataset)
    return sorted(paths)


def wanted_entries(repository: Repository, blueprint: Blueprint, registry: Registry) -> list[Wanted]:
    """What the documents ask for now. Datasets are asked for by digest, so an edited dataset makes a lock stale."""
    source = blueprint.spec.model.source.model_dump(mode="json", by_alias=True, exclude_none=True)
    wanted = [Wanted("model", "model", source)]
    wanted += [
        Wanted("dataset", path, {"digest": digest_file(repository.root / path)})
        for path in _datasets(repository, blueprint)
    ]
    wanted += [entry for entry, _, _ in _runtimes(repository, blueprint, registry)]
    return wanted


def resolve_lock(
    repository: Repository, blueprint: Blueprint, registry: Registry, cache: Path, events: EventSink
) -> Lock:
    """Resolve every name, using the network where a source needs it."""
    name = blueprint.metadata.name
    source = blueprint.spec.model.source
    events(Event("lock", f"{name} model", "start", source.type))
    spans = repository.blueprints[name].spans
    with asked_at(spans.span(("spec", "model", "source"))):
        resolved = registry.source(source.type).resolve(source, SourceContext(repository.root, cache))
    requests = {(w.kind, w.name): dict(w.request) for w in wanted_entries(repository, blueprint, registry)}
    entries = [_entry("model", "model", requests, resolved.files, resolved.license)]
    for path in _datasets(repository, blueprint):
        file = repository.root / path
        locked = FileDigest(file.name, digest_file(file), file.stat().st_size)
        entries.append(_entry("dataset", path, requests, (locked,), None))
    for wanted, wheels, choice in _runtimes(repository, blueprint, registry):
        events(Event("lock", f"{name} {wanted.name}", "start", f"{len(wheels)} packages"))
        target = choice.target.spec
        assert target.python is not None
        with asked_at(spans.span(choice.origin)):
            files = resolve_wheels(
                wheels, target.architecture, target.libc.version, target.python, cache, libc_family=target.libc.family
            )
        entries.append(_entry("runtime", wanted.name, requests, files, None))
    entries.sort(key=lambda entry: (entry.kind, entry.name))
    spec = LockSpec(blueprint=name, entries=tuple(entries))
    return Lock(api_version="edgewright/v1beta1", kind="Lock", metadata=Metadata(name=name), spec=spec)


def _entry(kind: Any, name: str, requests: Any, files: tuple[FileDigest, ...], license_id: str | None) -> LockEntry:
    locked = tuple(LockedFile(name=f.name, digest=f.digest, size=f.size) for f in files)
    return LockEntry(kind=kind, name=name, request=requests[(kind, name)], license=license_id, files=locked)


def write_lock(path: Path, lock: Lock) -> None:
    """Write a lock as YAML: one entry a block, keys in a fixed order."""
    document = lock.model_dump(mode="json", by_alias=True, exclude_none=True)
    head = "# Written by `edgewright lock`. Reviewed like code, never edited by hand.\n"
    body = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)
    write_atomic(path, (head + body).encode())
