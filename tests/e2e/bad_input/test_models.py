"""Models that are not what they should be are refused by content, before any framework or environment is needed."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.e2e.bad_input.shop import Repository
from tests.unit.sources.server import Site
from tests.unit.sources.wheelhouse import make_wheel, publish
from tests.unit.sources_canonical.samples import llama_gguf_of

from edgewright.backends.tvm.plugin import TOKENIZERS_VERSION
from edgewright.kernel.digest import digest_file

SOURCE = "{type: directory, path: model}"
TOKENIZERS = make_wheel("tokenizers", TOKENIZERS_VERSION)


def _pickle(model: Path) -> None:
    (model / "model.safetensors").write_bytes(pickle.dumps({"weight": [0.0] * 1000}))


def _auto_map(model: Path) -> None:
    config = json.loads((model / "config.json").read_text())
    config["auto_map"] = {"AutoModel": "modeling.Model"}
    (model / "config.json").write_text(json.dumps(config, indent=2))


def _truncated(model: Path) -> None:
    whole = (model / "model.safetensors").read_bytes()
    (model / "model.safetensors").write_bytes(whole[: len(whole) // 2])


CASES = {
    "pickle renamed .safetensors": (_pickle, "weights-pickle", "model.safetensors: the content is a Python pickle"),
    "config with auto_map": (_auto_map, "config-names-code", "key 'auto_map' names code"),
    "safetensors truncated at half": (_truncated, "safetensors-malformed", "model.safetensors"),
}


def refused_everywhere(repository: Repository, slug: str, mark: str, said: str) -> None:
    """`build` and `compile` end at the source, and nothing of the model is in the store."""
    for command in ("build", "compile"):
        options = ("--signing-key", repository.variables["KEY"]) if command == "compile" else ()
        ended = repository.refused(command, slug, f" {repository.place(mark)}\n", *options)
        assert said in ended.stderr
    weights = {digest_file(path).removeprefix("sha256:") for path in (repository.root / "model").glob("model.*")}
    assert weights.isdisjoint(path.name for path in repository.cache.glob("store/blobs/sha256/*"))
    assert not (repository.cache / "environments").exists()


@pytest.fixture
def locked(repository: Repository, site: Site, request: pytest.FixtureRequest) -> Repository:
    """The repository with an index on loopback, and a key."""
    repository.variables["PIP_INDEX_URL"] = publish(site, TOKENIZERS)
    repository.variables["KEY"] = str(request.getfixturevalue("shop").keys.key)
    return repository


@pytest.mark.parametrize(("edit", "slug", "said"), CASES.values(), ids=CASES)
def test_a_bad_model_file_is_refused_at_the_source(
    locked: Repository, edit: Callable[[Path], None], slug: str, said: str
) -> None:
    edit(locked.root / "model")
    locked.refused("build", "digest-mismatch", f" {locked.place(SOURCE)}\n")
    locked.succeed("lock")
    refused_everywhere(locked, slug, SOURCE, said)


def test_a_gguf_truncated_at_half_is_refused_at_the_source(locked: Repository) -> None:
    whole = llama_gguf_of("small")
    (locked.root / "model" / "model.gguf").write_bytes(whole[: len(whole) // 2])
    source = "{type: directory, path: model, file: model.gguf}"
    locked.edit(SOURCE, source)
    locked.succeed("lock")
    refused_everywhere(locked, "gguf-truncated", source, f"{len(whole) // 2}")


def test_a_wheel_with_another_digest_than_the_blueprints_is_refused(locked: Repository, site: Site) -> None:
    publish(site, TOKENIZERS, make_wheel())
    source = f'{{type: wheel, package: tiny-model, version: "1.0", folder: tiny_model/model, sha256: {"ab" * 32}}}'
    locked.edit(SOURCE, source)
    ended = locked.refused("lock", "digest-mismatch", f" {locked.place(source)}\n")
    assert f"expected sha256:{'ab' * 32}" in ended.stderr


@pytest.mark.parametrize("package", ["tiny-model", "tokenizers"])
def test_a_wheel_that_is_not_what_the_index_states_is_refused(locked: Repository, site: Site, package: str) -> None:
    publish(site, TOKENIZERS, make_wheel())
    source = '{type: wheel, package: tiny-model, version: "1.0", folder: tiny_model/model}'
    locked.edit(SOURCE, source)
    [path] = [path for path in site.files if path.startswith(f"/files/{package.replace('-', '_')}-")]
    site.files[path] = site.files[path][:-1] + b"!"
    mark = source if package == "tiny-model" else "x86-64-v3"
    again = ["--upgrade", package] if package == "tokenizers" else []
    locked.refused("lock", "digest-mismatch", f" {locked.place(mark)}\n", *again)


def test_a_wheel_that_changed_on_the_index_since_the_lock_is_refused(locked: Repository, site: Site) -> None:
    publish(site, TOKENIZERS, make_wheel())
    source = '{type: wheel, package: tiny-model, version: "1.0", folder: tiny_model/model}'
    locked.edit(SOURCE, source)
    locked.succeed("lock")
    publish(site, TOKENIZERS, make_wheel(files={"tiny_model/model/config.json": b'{"other": 1}'}))
    locked.cache = locked.cache.with_name("another-machine")
    locked.refused("build", "digest-mismatch", f" {locked.place(source)}\n")
