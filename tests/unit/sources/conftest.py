import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.sources.server import Site, serve

from edgewright.plugins.protocols import SourceContext


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No index, hub, proxy or cache of the machine takes part."""
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "HF_TOKEN", "HF_ENDPOINT", "HF_HUB_CACHE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    for name in urllib.request.getproxies():
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name.upper()}_PROXY", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_RETRIES", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf-home"))


@pytest.fixture
def site() -> Iterator[Site]:
    with serve(Site()) as running:
        yield running


@pytest.fixture
def context(tmp_path: Path) -> SourceContext:
    (tmp_path / "repository").mkdir()
    return SourceContext(tmp_path / "repository", tmp_path / "cache")


@pytest.fixture
def offline(context: SourceContext) -> SourceContext:
    return SourceContext(context.repository, context.cache, offline=True)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder
