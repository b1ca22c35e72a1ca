"""A running shop, made once: each test gets a copy of its repository and looks at the one device."""

from __future__ import annotations

import json
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.e2e.bad_input.shop import BLUEPRINT, BOARD, PC, Repository, write_fleet
from tests.support.device_release import Signer, TestDevice, build_artifact, free_port
from tests.support.tiny_release import package_tiny
from tests.unit.sources.server import Site, serve
from tests.unit.sources.wheelhouse import make_wheel, publish
from tests.unit.sources_canonical.samples import bert_folder

from edgewright.backends.tvm.plugin import TOKENIZERS_VERSION

PYTHON = str(Path(sys.executable).resolve())


@dataclass
class Shop:
    """The repository that the tests copy, the device that runs its release, the key, the artifacts, an index."""

    repository: Repository
    device: TestDevice
    keys: Signer
    artifacts: dict[str, Path]


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Release 1.0.0, locked, packaged, signed, and confirmed on the device."""
    if not all(shutil.which(tool) for tool in ("gcc", "ssh-keygen")):
        pytest.skip("needs gcc and ssh-keygen")
    if platform.machine() != "x86_64":
        pytest.skip(f"the shop's device is this machine, and an {PC}")
    folder = tmp_path_factory.mktemp("shop")
    keys = Signer.create(folder / "keys")
    device = TestDevice(folder / "device", Path(), keys, free_port(), PYTHON)
    repository = Repository(folder / "fleet", folder / "cache")
    repository.root.mkdir()
    repository.blueprint.write_text(BLUEPRINT)
    write_fleet(repository.root, device=device.root, port=device.port, python=PYTHON)
    bert_folder(repository.root / "model")
    (repository.root / "data").mkdir()
    rows = ("how do I return a lamp", "opening hours on Sunday")
    (repository.root / "data" / "questions.jsonl").write_text("".join(json.dumps({"text": row}) + "\n" for row in rows))
    with serve(Site()) as site:
        repository.variables = {"PIP_INDEX_URL": publish(site, make_wheel("tokenizers", TOKENIZERS_VERSION))}
        repository.succeed("lock")
    repository.variables = {}
    architectures = {PC: "x86_64", BOARD: "aarch64"}
    artifacts = {name: build_artifact(folder / name, architecture=word) for name, word in architectures.items()}
    package_tiny(repository.root, "demo", artifacts, keys.key)
    try:
        repository.succeed("rollout")
        yield Shop(repository, device, keys, artifacts)
    finally:
        device.stop()


@pytest.fixture
def repository(shop: Shop, tmp_path: Path) -> Iterator[Repository]:
    """A copy of the repository with an empty cache; the device does what it did before, whatever the test does."""
    shutil.copytree(shop.repository.root, tmp_path / "fleet", symlinks=True)
    before = (shop.device.current(), shop.device.confirmed(), shop.device.supervisor_pid())
    assert before[0] == before[1] == 1_000_000
    yield Repository(tmp_path / "fleet", tmp_path / "cache")
    assert (shop.device.current(), shop.device.confirmed(), shop.device.supervisor_pid()) == before
    assert shop.device.http("/healthz")[0] == 200


@pytest.fixture
def site() -> Iterator[Site]:
    """A package index on loopback."""
    with serve(Site()) as running:
        yield running
