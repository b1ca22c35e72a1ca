"""Model files are known by their content, and broken ones are refused with the numbers that disagree."""

from __future__ import annotations

import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.sources_canonical import samples

from edgewright.sources.canonical.inspect import inspect_model, inspect_weights, kind_of
from edgewright.sources.canonical.refused import RefusedError

WEIGHTS = samples.safetensors_bytes(samples.tensors_of({"a": (2, 3), "b": (4,)}))
ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def refusal(action: Callable[[], Any]) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        action()
    return caught.value


def written(tmp_path: Path, data: bytes, name: str = "model.safetensors") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


def test_safetensors_are_known_by_content_whatever_the_suffix(tmp_path: Path) -> None:
    kind, tensors, _ = inspect_weights(written(tmp_path, WEIGHTS, "weights.bin"), "weights.bin")
    assert kind == "safetensors"
    assert [(tensor.name, tensor.shape) for tensor in tensors] == [("a", (2, 3)), ("b", (4,))]


def test_gguf_is_known_by_content_and_its_header_is_read(tmp_path: Path) -> None:
    kind, _, header = inspect_weights(written(tmp_path, samples.llama_gguf_of("whole"), "x"), "x")
    assert kind == "gguf"
    assert header is not None
    assert header.keys["general.architecture"] == "llama"
    assert header.tensors["token_embd.weight"] == ("F32", (64, 1100))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_named_safetensors_is_refused(tmp_path: Path, protocol: int) -> None:
    path = written(tmp_path, pickle.dumps({"weight": [1.0, 2.0], "name": "x"}, protocol=protocol))
    assert refusal(lambda: kind_of(path, path.name)).slug == "weights-pickle"


def test_a_torch_archive_named_safetensors_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}))
        archive.writestr("archive/data/0", b"\0" * 64)
    caught = refusal(lambda: kind_of(path, path.name))
    assert caught.slug == "weights-pickle"
    assert caught.message == "model.safetensors: the content is a Python pickle"


@pytest.mark.parametrize("data", [b"", b"\0" * 7, b"hello world, this is text", b"PK\x03\x04" + b"\0" * 60])
def test_what_is_no_known_format_is_refused(tmp_path: Path, data: bytes) -> None:
    path = written(tmp_path, data)
    assert refusal(lambda: kind_of(path, path.name)).slug == "weights-unknown"


@pytest.mark.parametrize(
    ("header", "data", "words"),
    [
        ({"a": ENTRY}, b"\0" * 4, "the tensors end at byte 8 of the data, the file has 4"),
        ({"a": ENTRY}, b"\0" * 12, "the tensors end at byte 8 of the data, the file has 12"),
        ({"a": {**ENTRY, "shape": [3]}}, b"\0" * 8, "has 8 bytes, 12 by its shape and dtype"),
        ({"a": {**ENTRY, "data_offsets": [4, 12]}}, b"\0" * 12, "begins at byte 4, not 0: it leaves a gap before it"),
        ({"a": ENTRY, "b": {**ENTRY, "data_offsets": [4, 12]}}, b"\0" * 12, "overlaps the tensor before it"),
        ({"a": {**ENTRY, "dtype": "F3"}}, b"\0" * 8, "has dtype 'F3'"),
        ({"a": {**ENTRY, "shape": [-2]}}, b"\0" * 8, "has shape [-2]"),
        ({"a": {**ENTRY, "data_offsets": [8, 0]}}, b"\0" * 8, "has -8 bytes"),
        ({"a": {**ENTRY, "code": "x"}}, b"\0" * 8, "does not have exactly dtype, shape and data_offsets"),
    ],
)
def test_safetensors_whose_header_disagrees_are_refused(tmp_path: Path, header: Any, data: bytes, words: str) -> None:
    path = written(tmp_path, samples.with_header(header, data))
    caught = refusal(lambda: inspect_weights(path, path.name))
    assert caught.slug == "safetensors-malformed"
    assert words in caught.message


def test_a_safetensors_header_longer_than_its_file_is_refused_unread(tmp_path: Path) -> None:
    path = written(tmp_path, (1000).to_bytes(8, "little") + b"{}" + b" " * 20)
    assert "claims 1000 bytes, the file has 22" in refusal(lambda: inspect_weights(path, "m")).message
    path = written(tmp_path, (2**39).to_bytes(8, "little") + b"{}")
    assert "at most 16777216 are read" in refusal(lambda: inspect_weights(path, "m")).message


def test_a_safetensors_header_that_names_a_tensor_twice_is_refused(tmp_path: Path) -> None:
    text = (
        b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
    )
    path = written(tmp_path, len(text).to_bytes(8, "little") + text + b"\0" * 8)
    assert refusal(lambda: inspect_weights(path, "m")).slug == "json-duplicate-key"


@pytest.mark.parametrize("share", [0.02, 0.5, 0.999])
def test_a_truncated_gguf_is_refused_with_both_sizes(tmp_path: Path, share: float) -> None:
    whole = samples.llama_gguf_of("whole")
    path = written(tmp_path, whole[: int(len(whole) * share)], "half.gguf")
    caught = refusal(lambda: inspect_weights(path, path.name))
    assert caught.slug == "gguf-truncated"
    assert f"half.gguf: the file has {path.stat().st_size} bytes" in caught.message
    assert "needs at least" in caught.message


def test_a_gguf_that_claims_more_than_any_file_holds_is_refused_without_allocating(tmp_path: Path) -> None:
    path = written(tmp_path, b"GGUF" + (3).to_bytes(4, "little") + (2**60).to_bytes(8, "little") * 2)
    assert refusal(lambda: inspect_weights(path, "m")).slug == "gguf-malformed"
    head = b"GGUF" + (3).to_bytes(4, "little") + (0).to_bytes(8, "little") + (1).to_bytes(8, "little")
    path = written(tmp_path, head + (2**50).to_bytes(8, "little") + b"key")
    assert "claims 1125899906842624 bytes" in refusal(lambda: inspect_weights(path, "m")).message


@given(st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_changed_byte_is_accepted_or_refused_and_nothing_else(tmp_path: Path, data: st.DataObject) -> None:
    original = data.draw(st.sampled_from([WEIGHTS, samples.llama_gguf_of("small")]))
    position = data.draw(st.integers(0, min(len(original), 4000) - 1))
    changed = original[:position] + bytes([data.draw(st.integers(0, 255))]) + original[position + 1 :]
    path = written(tmp_path, changed, "changed")
    try:
        inspect_weights(path, "changed")
    except RefusedError as caught:
        assert caught.message.startswith("changed")


def test_a_folder_with_one_model_is_found_without_being_told(tmp_path: Path) -> None:
    files = inspect_model(samples.bert_folder(tmp_path))
    assert files.kind == "safetensors"
    assert files.config["hidden_size"] == 48
    assert "transformers_version" not in files.config
    assert "_name_or_path" not in files.config


def test_a_folder_inside_the_source_is_found(tmp_path: Path) -> None:
    samples.bert_folder(tmp_path / "package" / "model")
    assert inspect_model(tmp_path).weights[0] == tmp_path / "package" / "model" / "model.safetensors"


def test_a_missing_weights_file_is_refused_with_what_is_there(tmp_path: Path) -> None:
    samples.bert_folder(tmp_path)
    caught = refusal(lambda: inspect_model(tmp_path, "other.gguf"))
    assert caught.slug == "weights-missing"
    assert "model.safetensors" in (caught.hint or "")
    assert refusal(lambda: inspect_model(tmp_path, "../x")).slug == "weights-missing"


def test_two_weights_files_need_a_choice(tmp_path: Path) -> None:
    for name in ("a.gguf", "b.gguf"):
        (tmp_path / name).write_bytes(samples.llama_gguf_of("whole"))
    assert refusal(lambda: inspect_model(tmp_path)).message.endswith("2 weights files")


def test_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    samples.bert_folder(tmp_path / "model")
    (tmp_path / "model" / "vocab.txt").symlink_to("/etc/passwd")
    assert refusal(lambda: inspect_model(tmp_path / "model")).slug == "not-a-file"


def test_a_named_pipe_is_refused_unopened(tmp_path: Path) -> None:
    samples.bert_folder(tmp_path / "model")
    os.mkfifo(tmp_path / "model" / "pipe.json")
    assert refusal(lambda: inspect_model(tmp_path / "model")).slug == "not-a-file"


def test_an_index_that_leaves_its_folder_is_refused(tmp_path: Path) -> None:
    samples.bert_folder(tmp_path / "model")
    samples.write(tmp_path / "model" / "model.safetensors.index.json", {"weight_map": {"a": "../secret.safetensors"}})
    assert refusal(lambda: inspect_model(tmp_path / "model")).slug == "weights-missing"


def test_a_large_config_is_refused_unread(tmp_path: Path) -> None:
    samples.bert_folder(tmp_path)
    (tmp_path / "config.json").write_bytes(b" " * (2**20 + 1))
    assert refusal(lambda: inspect_model(tmp_path)).slug == "file-too-large"


def test_an_onnx_file_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"\x08\x08\x12\x07pytorch:\x02hi")
    assert refusal(lambda: inspect_model(tmp_path)).slug == "weights-onnx"
