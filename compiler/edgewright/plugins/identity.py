"""What a worker is, by digest: its sources, and the pinned packages of its environment.

Owns the pins files (`plugins/requirements/<name>.txt`) and which sources a worker gets. Must not make an environment or
run a step: who only compares digests does not wait for that to be imported.
"""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from edgewright.kernel.digest import Digest, digest_file, digest_json
from edgewright.kernel.resources import package_folder
from edgewright.plugins.protocols import WorkerStep


def pins_file(name: str) -> Path:
    """The pinned requirements of an environment."""
    return package_folder() / "plugins" / "requirements" / f"{name}.txt"


@cache
def pins(name: str) -> Mapping[str, str]:
    """Package name and exact version of everything in an environment."""
    lines = (line.split("#", 1)[0].strip() for line in pins_file(name).read_text(encoding="utf-8").splitlines())
    found: dict[str, str] = {}
    for line in filter(None, lines):
        package, separator, version = line.partition("==")
        if not separator:
            raise ValueError(f"{pins_file(name)}: {line!r} is not pinned")
        found[re.sub(r"[-_.]+", "-", package).lower()] = version
    return found


@cache
def environment_fingerprint(name: str) -> Digest:
    """Digest of an environment's identity: its pins, the Python version and the machine's architecture."""
    python = ".".join(map(str, sys.version_info[:2]))
    return digest_json({"pins": dict(pins(name)), "python": python, "machine": platform.machine()})


def _module_files(dotted: str) -> list[Path]:
    base = package_folder().parent / Path(*dotted.split("."))
    if base.is_dir():
        return sorted(p for p in base.rglob("*.py") if "__pycache__" not in p.parts)
    return [base.with_suffix(".py")]


@cache
def staged_sources(packages: tuple[str, ...]) -> Mapping[str, Path]:
    """Every source file a worker gets, by its name below the staging folder; parents' `__init__.py` included."""
    root = package_folder().parent
    files: dict[str, Path] = {}
    for dotted in (*packages, "edgewright.plugins.worker"):
        for path in _module_files(dotted):
            files[path.relative_to(root).as_posix()] = path
        parts = dotted.split(".")
        for depth in range(1, len(parts)):
            init = root.joinpath(*parts[:depth], "__init__.py")
            files[init.relative_to(root).as_posix()] = init
    return files


@cache
def sources_digest(packages: tuple[str, ...]) -> Digest:
    """Digest of a worker's sources: part of the identity of everything it makes."""
    return digest_json({name: digest_file(path) for name, path in staged_sources(packages).items()})


def fingerprint(step: WorkerStep) -> Digest:
    """Identity of the tool that a step is: module, version, sources and environment."""
    return digest_json(
        {
            "module": step.module,
            "version": step.version,
            "sources": sources_digest(step.packages),
            "environment": environment_fingerprint(step.environment),
        }
    )
