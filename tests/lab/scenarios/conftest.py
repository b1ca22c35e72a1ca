"""Hosts that run a confirmed release already, and fleet repositories over them.

A scenario gets hosts as the one before left them: with some confirmed release. Versions only grow, so each begins with
a release that every host takes.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.lab.conftest import KIOSK, SHOPS
from tests.lab.harness import ssh
from tests.lab.harness.lab import Lab
from tests.lab.scenarios.device import LabDevice
from tests.lab.scenarios.repository import FleetRepository
from tests.support.device_release import build_artifact

COMPILERS = {"x86-64-v3": ("x86_64", "gcc"), "raspberry-pi-5-8g": ("aarch64", "aarch64-linux-gnu-gcc")}
PC, BOARD = COMPILERS


@dataclass
class World:
    """What all scenarios share: hosts, a signing key, version numbers and compiled tiny models."""

    lab: Lab
    folder: Path
    _versions: Iterator[int] = field(default_factory=lambda: itertools.count(0))
    _repositories: list[FleetRepository] = field(default_factory=list)

    @property
    def key(self) -> Path:
        """The private key that signs every release."""
        path = self.folder / "signing-key"
        if not path.exists():
            ssh.make_key(path, "lab")
        return path

    def device(self, name: str) -> LabDevice:
        return LabDevice(self.lab.host(name), BOARD if name == KIOSK else PC)

    def version(self) -> str:
        """The next version."""
        return f"1.{next(self._versions)}.0"

    def artifacts(self, version: str, **options: Any) -> dict[str, Path]:
        """Tiny models by target, compiled for it; every version has bytes of its own."""
        made = {}
        for target, (architecture, compiler) in COMPILERS.items():
            pattern = self.folder / "compiled" / f"{target} {options}"
            if not pattern.exists():
                build_artifact(pattern, architecture=architecture, compiler=compiler, **options)
            made[target] = self.folder / "artifacts" / version / target
            shutil.copytree(pattern, made[target])
            (made[target] / "model" / "version.bin").write_text(version)
        return made

    def repository(self, names: Sequence[str], **options: Any) -> FleetRepository:
        """A new fleet repository over some hosts."""
        root = self.folder / "repositories" / str(len(self._repositories))
        devices = [self.device(name) for name in names]
        self._repositories.append(FleetRepository(root, self.lab, devices, self.key, **options))
        return self._repositories[-1]

    def settle(self, names: Sequence[str]) -> dict[str, int]:
        """See to it that every host runs a confirmed release; the release of each."""
        seen = {}
        for name in names:
            device = self.device(name)
            device.host.start()
            if device.look().state.get("active"):  # left by a scenario that failed
                device.agent("revert")
            seen[name] = device.look().confirmed
        new = [name for name, release in seen.items() if release is None]
        if new:
            repository, version = self.repository(new, rollout={"waves": ["100%"]}), self.version()
            number = repository.package(version, self.artifacts(version))
            ended = repository.run("rollout")
            assert ended.exit_code == 0, ended
            seen |= dict.fromkeys(new, number)
        return {name: release for name, release in seen.items() if release is not None}

    def close(self) -> None:
        for repository in self._repositories:
            repository.close()


@dataclass(frozen=True)
class Scenario:
    """Hosts that run `before`, and a signed release `number` that is theirs to get."""

    repository: FleetRepository
    version: str
    number: int
    before: dict[str, int]

    def device(self, name: str) -> LabDevice:
        return next(device for device in self.repository.devices if device.name == name)

    def current(self) -> dict[str, int | None]:
        return {device.name: device.look().current for device in self.repository.devices}

    def confirmed(self) -> dict[str, int | None]:
        return {device.name: device.look().confirmed for device in self.repository.devices}

    def serving(self) -> dict[str, int | None]:
        """The release that answers from outside each host."""
        return {device.name: device.serving() for device in self.repository.devices}


Prepare = Callable[..., Scenario]


@pytest.fixture(scope="session")
def world(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(lab, tmp_path_factory.mktemp("world"))
    yield made
    made.close()


@pytest.fixture
def prepare(world: World) -> Prepare:
    """Settle hosts and package a release for them."""

    def make(names: Sequence[str], *, artifact: dict[str, Any] | None = None, **options: Any) -> Scenario:
        before = world.settle(names)
        repository, version = world.repository(names, **options), world.version()
        number = repository.package(version, world.artifacts(version, **(artifact or {})))
        return Scenario(repository, version, number, before)

    return make


@pytest.fixture
def shops() -> tuple[str, ...]:
    """Names of the amd64 hosts."""
    return SHOPS
