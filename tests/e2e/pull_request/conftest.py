"""A fleet repository that `edgewright init` wrote, locked, and pushed to a forge on this machine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.pull_request.forge import Forge
from tests.unit.sources.server import Site, serve
from tests.unit.sources.wheelhouse import make_wheel, publish

from edgewright.backends.tvm.plugin import TOKENIZERS_VERSION


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    """Written, adapted, locked, pushed to main; tests take copies."""
    forge = Forge.create(tmp_path_factory.mktemp("forge"))
    forge.edgewright("init", ".")
    forge.trust_a_key()
    forge.take_tiny_model("tvm", ["counter-pc", "raspberry-pi-5-8g"])
    with serve(Site()) as site:
        index = publish(site, make_wheel("tokenizers", TOKENIZERS_VERSION))
        # the runtime of the devices comes from an index; this one is a folder of this test
        forge.variables = {"PIP_NO_INDEX": "0", "PIP_INDEX_URL": index, "EDGEWRIGHT_CACHE": str(forge.folder / "cache")}
        forge.edgewright("lock")
    forge.variables = {}
    forge.commit("A fleet")
    forge.push("main")
    yield forge


@pytest.fixture
def forge(started: Forge, tmp_path: Path) -> Forge:
    """A copy of the forge, for one test to change."""
    shutil.copytree(started.folder, tmp_path / "forge", symlinks=True)
    return Forge(tmp_path / "forge")
