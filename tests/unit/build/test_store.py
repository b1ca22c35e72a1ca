"""The store keeps what it was given, notices what is gone, and never overwrites."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from edgewright.build.store import Result, Store
from edgewright.kernel.diagnostics import EdgewrightError
from edgewright.kernel.digest import digest_json


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "output"
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "weights.bin").write_bytes(b"w" * 100)
    (folder / "artifact.json").write_text("{}")
    (folder / "run").write_text("#!/bin/sh\n")
    (folder / "run").chmod(0o755)
    return folder


def test_folder_comes_back_as_it_was(store: Store, folder: Path, tmp_path: Path) -> None:
    tree = store.add_folder(folder)
    store.materialise(tree, tmp_path / "again")
    assert sorted(tree) == ["artifact.json", "model/weights.bin", "run"]
    assert (tmp_path / "again" / "model" / "weights.bin").read_bytes() == b"w" * 100
    assert tree["run"].executable and not tree["artifact.json"].executable


def test_same_content_is_the_same_tree_and_is_stored_once(store: Store, folder: Path) -> None:
    first = store.add_folder(folder)
    (folder / "copy").write_bytes(b"w" * 100)
    second = store.add_folder(folder)
    assert second["copy"].digest == first["model/weights.bin"].digest
    (folder / "copy").unlink()
    assert store.add_folder(folder) == first
    assert len(list((store.root / "blobs" / "sha256").iterdir())) == 3


def test_result_is_found_until_a_blob_of_it_is_gone(store: Store, folder: Path) -> None:
    key = digest_json("some action")
    tree = store.add_folder(folder)
    assert store.result(key) is None
    store.record(key, Result(tree, {"cosine": 0.99}, 1.5))
    found = store.result(key)
    assert found is not None and found.tree == tree and found.facts == {"cosine": 0.99}
    store.blob(tree["artifact.json"].digest).unlink()
    assert store.result(key) is None


def test_truncated_blob_makes_its_result_absent(store: Store, folder: Path) -> None:
    key = digest_json("some action")
    tree = store.add_folder(folder)
    store.record(key, Result(tree, {}, 0.0))
    blob = store.blob(tree["model/weights.bin"].digest)
    blob.chmod(0o644)
    os.truncate(blob, 10)
    assert store.result(key) is None


def test_link_in_an_output_is_refused(store: Store, folder: Path) -> None:
    (folder / "link").symlink_to("/etc/passwd")
    with pytest.raises(EdgewrightError, match="link or a device"):
        store.add_folder(folder)


def test_store_is_an_oci_layout(store: Store, folder: Path) -> None:
    store.add_folder(folder)
    assert json.loads((store.root / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
