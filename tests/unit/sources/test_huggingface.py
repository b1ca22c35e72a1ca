import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.sources.server import Site, serve

from edgewright.kernel.diagnostics import EdgewrightError, ExitCode
from edgewright.kernel.digest import digest_bytes
from edgewright.plugins.protocols import SourceContext
from edgewright.sources.huggingface import HuggingFaceSource
from edgewright.spec.v1beta1.blueprint import HuggingFaceSource as Options

COMMIT = "0123456789abcdef0123456789abcdef01234567"
WEIGHTS = b"weights" * 1000
API = f"/api/models/org/tiny/tree/{COMMIT}?recursive=true"


def options(**more: str) -> Options:
    return Options.model_validate({"type": "huggingface", "repository": "org/tiny", "revision": COMMIT, **more})


def refused(error: pytest.ExceptionInfo[EdgewrightError]) -> tuple[str, ExitCode]:
    return error.value.diagnostics[0].slug, error.value.exit_code


def item(path: str, data: bytes, *, large: bool = False) -> dict[str, Any]:
    blob_id = hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()
    entry: dict[str, Any] = {"type": "file", "path": path, "size": len(data), "oid": blob_id}
    if large:
        entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
    return entry


@pytest.fixture
def hub(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A hub that pages its tree and serves large files from another address."""
    contents = {"config.json": b"{}", "tokenizer.json": b"[1]", "model.safetensors": WEIGHTS}
    first = [{"type": "directory", "path": "onnx", "oid": "0" * 40, "size": 0}, item("config.json", b"{}")]
    second = [
        item("tokenizer.json", b"[1]"),
        item("model.safetensors", WEIGHTS, large=True),
        item("pytorch_model.bin", b"pickle", large=True),
        item("onnx/config.json", b"{}"),
        item("tiny.Q4.gguf", b"GGUF", large=True),
    ]
    site.files[API] = json.dumps(first).encode()
    site.files[f"{API}&cursor=2"] = json.dumps(second).encode()
    site.links[API] = f'<{site.url}{API}&cursor=2>; rel="next"'
    site.files[f"/api/models/org/tiny/revision/{COMMIT}"] = b'{"cardData": {"license": "apache-2.0"}}'
    for path, data in contents.items():
        site.files[f"/org/tiny/resolve/{COMMIT}/{path}"] = data
    site.files[f"/org/tiny/resolve/{COMMIT}/tiny.Q4.gguf"] = b"GGUF"
    monkeypatch.setenv("EDGEWRIGHT_HF_ENDPOINT", site.url)
    return site


def test_a_commit_resolves_over_all_pages_without_fetching_weights(hub: Site, context: SourceContext) -> None:
    found = HuggingFaceSource().resolve(options(), context)
    assert {file.name: file.digest for file in found.files} == {
        "config.json": digest_bytes(b"{}"),
        "model.safetensors": digest_bytes(WEIGHTS),
        "tokenizer.json": digest_bytes(b"[1]"),
    }
    assert found.license == "apache-2.0"
    assert not [request for request in hub.seen if "safetensors" in request.path]


def test_what_was_acquired_once_needs_no_hub(
    hub: Site, context: SourceContext, offline: SourceContext, out: Path, tmp_path: Path
) -> None:
    found = HuggingFaceSource().resolve(options(), context)
    HuggingFaceSource().acquire(options(), found.files, context, out)
    assert (out / "model.safetensors").read_bytes() == WEIGHTS
    assert sorted(p.name for p in out.iterdir()) == ["config.json", "model.safetensors", "tokenizer.json"]
    hub.seen.clear()
    again = tmp_path / "again"
    again.mkdir()
    assert HuggingFaceSource().resolve(options(), offline) == found
    HuggingFaceSource().acquire(options(), found.files, offline, again)
    assert hub.seen == []


def test_one_file_is_taken_alone(hub: Site, context: SourceContext, out: Path) -> None:
    found = HuggingFaceSource().resolve(options(file="tiny.Q4.gguf"), context)
    assert [file.name for file in found.files] == ["tiny.Q4.gguf"]
    HuggingFaceSource().acquire(options(file="tiny.Q4.gguf"), found.files, context, out)
    assert (out / "tiny.Q4.gguf").read_bytes() == b"GGUF"


def test_an_unknown_file_lists_the_weights(hub: Site, context: SourceContext) -> None:
    with pytest.raises(EdgewrightError) as error:
        HuggingFaceSource().resolve(options(file="absent.gguf"), context)
    assert refused(error)[0] == "source-file-missing"
    assert "tiny.Q4.gguf" in (error.value.diagnostics[0].hint or "")


def test_a_repository_of_pickles_is_refused(hub: Site, context: SourceContext) -> None:
    hub.files[API] = json.dumps([item("config.json", b"{}"), item("pytorch_model.bin", b"x", large=True)]).encode()
    hub.links.clear()
    with pytest.raises(EdgewrightError) as error:
        HuggingFaceSource().resolve(options(), context)
    assert refused(error)[0] == "no-readable-weights"
    assert "pytorch_model.bin" in error.value.diagnostics[0].message


def test_weights_cut_in_the_middle_are_continued(hub: Site, context: SourceContext, out: Path) -> None:
    found = HuggingFaceSource().resolve(options(), context)
    hub.cut = [3000]
    HuggingFaceSource().acquire(options(), found.files[1:2], context, out)
    path = f"/org/tiny/resolve/{COMMIT}/model.safetensors"
    assert [request.range for request in hub.requests(path)] == [None, "bytes=3000-"]


def test_a_small_file_that_is_not_the_commits_is_refused(hub: Site, context: SourceContext) -> None:
    hub.files[f"/org/tiny/resolve/{COMMIT}/config.json"] = b"[]"
    with pytest.raises(EdgewrightError) as error:
        HuggingFaceSource().resolve(options(), context)
    assert refused(error)[0] == "digest-mismatch"


def test_weights_that_are_not_the_locks_are_refused(hub: Site, context: SourceContext, out: Path) -> None:
    found = HuggingFaceSource().resolve(options(), context)
    hub.files[f"/org/tiny/resolve/{COMMIT}/model.safetensors"] = b"W" + WEIGHTS[1:]
    with pytest.raises(EdgewrightError) as error:
        HuggingFaceSource().acquire(options(), found.files, context, out)
    assert refused(error)[0] == "digest-mismatch"
    assert not (out / "model.safetensors").exists()


def test_the_token_goes_to_the_hub_and_not_to_its_storage(
    hub: Site, context: SourceContext, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    found = HuggingFaceSource().resolve(options(), context)
    with serve(Site(files={"/blob": WEIGHTS})) as storage:
        hub.redirects[f"/org/tiny/resolve/{COMMIT}/model.safetensors"] = f"{storage.url}/blob"
        HuggingFaceSource().acquire(options(), found.files, context, out)
        assert [request.authorization for request in storage.seen] == [None]
    assert {request.authorization for request in hub.seen} == {"Bearer hf_secret"}


def test_a_gated_model_asks_for_a_token_and_prints_none(
    hub: Site, context: SourceContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    hub.statuses[API] = [401]
    with pytest.raises(EdgewrightError) as error:
        HuggingFaceSource().resolve(options(), context)
    assert refused(error) == ("access-denied", ExitCode.MISSING)
    assert "HF_TOKEN" in (error.value.diagnostics[0].hint or "")
    assert "hf_secret" not in repr(error.value.diagnostics)


@pytest.mark.parametrize(
    "tree",
    [
        b"<html>",
        b"{}",
        b"[1]",
        b'[{"type": "file", "path": "a"}]',
        json.dumps([{**item("a.json", b"x"), "oid": "main"}]).encode(),
        json.dumps([{**item("a.json", b"x"), "lfs": {"oid": "x", "size": 1}}]).encode(),
    ],
)
def test_an_answer_that_is_no_tree_is_refused(hub: Site, context: SourceContext, tree: bytes) -> None:
    hub.files[API] = tree
    with pytest.raises(EdgewrightError) as error:
        HuggingFaceSource().resolve(options(), context)
    assert refused(error) == ("hub-answer-invalid", ExitCode.MISSING)


def test_a_tree_whose_next_page_is_elsewhere_is_refused(hub: Site, context: SourceContext) -> None:
    hub.links[API] = '<https://example.org/next>; rel="next"'
    with pytest.raises(EdgewrightError) as error:
        HuggingFaceSource().resolve(options(), context)
    assert refused(error)[0] == "hub-answer-invalid"


def test_a_path_that_leads_outside_is_refused(hub: Site, context: SourceContext) -> None:
    hub.files[API] = json.dumps([item("../evil.json", b"x")]).encode()
    hub.links.clear()
    with pytest.raises(EdgewrightError) as error:
        HuggingFaceSource().resolve(options(), context)
    assert refused(error)[0] == "unsafe-name"


def test_the_hub_clients_own_cache_is_enough_offline(
    hub: Site, offline: SourceContext, out: Path, tmp_path: Path
) -> None:
    root = tmp_path / "hf-home" / "hub" / "models--org--tiny"
    snapshot = root / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (root / "blobs").mkdir()
    for name, data in {"config.json": b"{}", "model.safetensors": WEIGHTS}.items():
        (root / "blobs" / name).write_bytes(data)
        (snapshot / name).symlink_to(f"../../blobs/{name}")
    found = HuggingFaceSource().resolve(options(), offline)
    HuggingFaceSource().acquire(options(), found.files, offline, out)
    assert (out / "model.safetensors").read_bytes() == WEIGHTS
    assert not (out / "model.safetensors").is_symlink()
    assert hub.seen == []


def test_offline_and_not_cached_is_missing(
    hub: Site, context: SourceContext, offline: SourceContext, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(EdgewrightError) as error:
        HuggingFaceSource().resolve(options(), offline)
    assert refused(error) == ("offline-not-cached", ExitCode.MISSING)
    found = HuggingFaceSource().resolve(options(), context)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(EdgewrightError) as error:
        HuggingFaceSource().acquire(options(), found.files, context, out)
    assert refused(error) == ("offline-not-cached", ExitCode.MISSING)
