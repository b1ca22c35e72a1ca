"""What the documents ask a lock for: the model, the datasets, the runtimes, the tools that build.

Reads files of the repository and of edgewright itself, never the network. What lies in the same Git tree as the
blueprint (targets, compression policies, the fleet) needs no entry: the commit names it. A dataset has one, by digest,
because it may be held by Git LFS. A tool is the environment of a worker, by the digest of its pins: its interpreter and
the machine's own compilers differ from machine to machine and are in the keys of actions and in the provenance instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgewright.kernel.digest import digest_file
from edgewright.load.documents import Repository
from edgewright.load.places import Path as DocumentPath
from edgewright.lock.choices import BuildChoice, choices_of
from edgewright.lock.licenses import dataset_license
from edgewright.plugins.identity import pins_file
from edgewright.plugins.protocols import FileDigest, WheelRequirement, WorkerStep
from edgewright.plugins.registry import Registry
from edgewright.spec.v1beta1.blueprint import Blueprint
from edgewright.spec.v1beta1.lock import EntryKind
from edgewright.spec.v1beta1.target import TargetSpec

_SOURCE: DocumentPath = ("spec", "model", "source")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing that the documents ask for: the identity and the request of a lock entry.

    `origin` is where the blueprint asks for it. `choice` and `wheels` say how a runtime is resolved.
    """

    kind: EntryKind
    name: str
    request: Mapping[str, Any]
    origin: DocumentPath = ()
    choice: BuildChoice | None = field(default=None, compare=False, repr=False)
    wheels: tuple[WheelRequirement, ...] = ()


def wanted_entries(repository: Repository, blueprint: Blueprint, registry: Registry) -> list[Wanted]:
    """What the documents ask for now. Datasets and tools are asked for by digest: an edited one makes a lock stale."""
    choices = choices_of(repository, blueprint)
    source = blueprint.spec.model.source.model_dump(mode="json", by_alias=True, exclude_none=True)
    wanted = [Wanted("model", "model", source, _SOURCE)]
    wanted += [
        Wanted("dataset", path, _dataset_request(repository.root / path), place)
        for path, place in sorted(_datasets(blueprint, choices).items())
    ]
    wanted += _runtimes(blueprint, choices, registry)
    wanted += [
        Wanted("tool", f"environment/{name}", {"pins": digest_file(pins_file(name))}, place)
        for name, place in sorted(_environments(blueprint, choices, registry).items())
    ]
    return wanted


def platform_name(target: TargetSpec) -> str:
    """Name of the platform that decides which wheels install: `aarch64-glibc2.36-py3.11`."""
    return f"{target.architecture}-{target.libc.family}{target.libc.version}-py{target.python}"


def tool_file(name: str) -> FileDigest:
    """The file that a tool's entry locks: the pins of an environment."""
    path: Path = pins_file(name.removeprefix("environment/"))
    return FileDigest(path.name, digest_file(path), path.stat().st_size)


def _dataset_request(path: Path) -> dict[str, Any]:
    license_id, _ = dataset_license(path)
    return {"digest": digest_file(path), **({"license": license_id} if license_id else {})}


def _datasets(blueprint: Blueprint, choices: tuple[BuildChoice, ...]) -> dict[str, DocumentPath]:
    paths: dict[str, DocumentPath] = {blueprint.spec.evaluation.dataset: ("spec", "evaluation", "dataset")}
    for choice in choices:
        if choice.recipe.calibration is not None:
            paths.setdefault(choice.recipe.calibration.dataset, choice.origin)
    return paths


def _runtimes(blueprint: Blueprint, choices: tuple[BuildChoice, ...], registry: Registry) -> Iterator[Wanted]:
    seen = set()
    for choice in choices:
        backend, target = choice.build.backend, choice.target.spec
        wheels = registry.backend(backend).runtime(choice.request(blueprint)).wheels
        name = f"{backend}/{platform_name(target)}"
        if wheels and name not in seen:
            seen.add(name)
            request = {
                "wheels": sorted(f"{wheel.package}=={wheel.version}" for wheel in wheels),
                "architecture": target.architecture,
                "glibc": target.libc.version,
                "python": target.python or "",
            }
            yield Wanted("runtime", name, request, choice.origin, choice, wheels)


def _environments(
    blueprint: Blueprint, choices: tuple[BuildChoice, ...], registry: Registry
) -> dict[str, DocumentPath]:
    """The environments that build and measure, each with the first place of the blueprint that needs it."""
    model = blueprint.spec.model
    found: dict[str, DocumentPath] = {}
    steps: list[tuple[WorkerStep, DocumentPath]] = [
        (registry.importer().step(model.task, model.source.file, model.context), _SOURCE)
    ]
    for choice in choices:
        request = choice.request(blueprint)
        steps += [(step, choice.origin) for _, step in registry.backend(choice.build.backend).steps(request)]
        metrics = registry.metrics(model.task)
        tokens = blueprint.spec.evaluation.max_tokens
        steps.append((metrics.step(choice.build.backend, choice.target.spec, tokens), choice.origin))
    for step, place in steps:
        found.setdefault(step.environment, place)
    return found
