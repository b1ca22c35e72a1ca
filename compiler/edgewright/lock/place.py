"""Where locks lie: beside the blueprint, or in the overlays of an environment in which it asks for something else."""

from __future__ import annotations

from pathlib import PurePosixPath

from edgewright.load.documents import Loaded, Repository
from edgewright.load.overlays import FOLDER as OVERLAYS
from edgewright.lock.document import LockView, stale_entries
from edgewright.lock.wanted import wanted_entries
from edgewright.plugins.registry import Registry
from edgewright.spec.v1beta1.blueprint import Blueprint

SUFFIX = ".lock.yaml"


def lock_path(blueprint: Loaded[Blueprint]) -> str:
    """Where the lock of a blueprint lies: beside it, as `<name>.lock.yaml`."""
    return (PurePosixPath(blueprint.path).parent / f"{blueprint.document.metadata.name}{SUFFIX}").as_posix()


def lock_place(repository: Repository, blueprint: Loaded[Blueprint], registry: Registry) -> str:
    """Where the lock belongs: beside the blueprint; in an environment, there only when it asks for the same."""
    beside, name = lock_path(blueprint), blueprint.document.metadata.name
    if repository.environment is None:
        return beside
    found = repository.locks.get(name)
    if found is not None and found.path == beside:
        wanted = wanted_entries(repository, blueprint.document, registry)
        if not stale_entries(LockView(found.document), wanted):
            return beside
    return f"{OVERLAYS}/{repository.environment}/{name}{SUFFIX}"
