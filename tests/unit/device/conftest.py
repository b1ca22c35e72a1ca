"""Shared parts of the device tests: built once, because gcc and ssh-keygen take time."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.device_release import (
    ReleaseFolder,
    Signer,
    TestDevice,
    build_agent,
    build_artifact,
    build_release,
)

ReleaseMaker = Callable[..., ReleaseFolder]


@pytest.fixture(scope="session")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Artifacts, the agent's zip file and a signer."""
    for tool in ("gcc", "ssh-keygen"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not on this machine")
    folder = tmp_path_factory.mktemp("device-parts")
    build_artifact(folder / "good")
    build_artifact(folder / "wrong", wrong=True)
    build_artifact(folder / "slow", delay_ms=120)
    build_agent(folder / "edgewright-agent.pyz")
    Signer.create(folder / "signer")
    return folder


@pytest.fixture(scope="session")
def signer(parts: Path) -> Signer:
    return Signer(parts / "signer")


@pytest.fixture
def make(parts: Path, signer: Signer, tmp_path: Path) -> ReleaseMaker:
    """Build a release: `make("1.0.0", artifact="wrong", ...)`."""
    count = 0

    def build(
        version: str = "1.0.0", artifact: str = "good", signed_by: Signer = signer, **options: Any
    ) -> ReleaseFolder:
        nonlocal count
        count += 1
        return build_release(tmp_path / f"release-{count}", signed_by, parts / artifact, version=version, **options)

    return build


@pytest.fixture
def device(parts: Path, signer: Signer, tmp_path: Path) -> Iterator[TestDevice]:
    """An empty device without systemd; its processes end with the test."""
    device = TestDevice(tmp_path / "device", parts / "edgewright-agent.pyz", signer).prepare()
    yield device
    device.stop()
