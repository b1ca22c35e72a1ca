"""The import step: one canonical folder, whatever the source was."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from tests.unit.backends_onnx.conftest import Runner
from tests.unit.sources_canonical import samples

from edgewright.kernel.diagnostics import EdgewrightError
from edgewright.sources.canonical.inspect import inspect_weights
from edgewright.sources.canonical.plugin import CanonicalImporter

pytestmark = pytest.mark.frameworks


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def slug_of(run: Runner, source: Path, task: str = "embeddings", context: int = 32, file: str | None = None) -> str:
    with pytest.raises(EdgewrightError) as caught:
        run(CanonicalImporter().step(task, file, context), {"source": source})
    return caught.value.diagnostics[0].slug


def test_an_encoder_gets_its_facts_and_a_tokenizer_that_neither_truncates_nor_pads(encoder: Path) -> None:
    facts = read(encoder / "facts.json")
    assert (facts["pooling"], facts["normalize"], facts["dimension"]) == ("mean", True, 48)
    assert (facts["max_positions"], facts["license"], facts["format"]) == (64, "apache-2.0", "safetensors")
    tokenizer = read(encoder / "tokenizer.json")
    assert tokenizer["truncation"] is None
    assert tokenizer["padding"] is None
    kind, tensors, _ = inspect_weights(encoder / "model.safetensors", "m")
    assert kind == "safetensors"
    assert (
        sum(tensor.shape[0] * (tensor.shape[1] if tensor.shape[1:] else 1) for tensor in tensors) == facts["parameters"]
    )


def test_every_file_of_the_canonical_folder_has_mode_0644(encoder: Path, decoder: Path) -> None:
    for path in (*encoder.iterdir(), *decoder.iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_decoder_gets_its_end_of_sequence_and_its_chat_template(decoder: Path) -> None:
    facts = read(decoder / "facts.json")
    assert (facts["eos_token_ids"], facts["kv_heads"], facts["tied_embeddings"]) == ([2], 2, True)
    assert (decoder / "chat_template.jinja").read_text(encoding="utf-8") == samples.CHAT_TEMPLATE
    assert read(decoder / "tokenizer.json")["normalizer"] is None
    assert read(decoder / "tokenizer_config.json")["eos_token"] == "<|im_end|>"


def test_gguf_and_safetensors_of_one_model_import_to_the_same_bytes(run: Runner, decoder: Path, tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(samples.llama_gguf_of("whole"))
    folder, facts = run(CanonicalImporter().step("text-generation", "model.gguf", 128), {"source": tmp_path})
    from_gguf, from_folder = contents(folder), contents(decoder)
    assert facts["format"] == "gguf"
    assert from_gguf["model.safetensors"] == from_folder["model.safetensors"]
    assert json.loads(from_gguf["tokenizer.json"])["model"] == json.loads(from_folder["tokenizer.json"])["model"]
    assert from_gguf["chat_template.jinja"] == from_folder["chat_template.jinja"]
    assert from_gguf["generation_config.json"] == from_folder["generation_config.json"]


def test_two_imports_are_byte_identical(run: Runner, encoder: Path, tmp_path: Path) -> None:
    source = samples.bert_folder(tmp_path / "elsewhere")
    again, _ = run(CanonicalImporter().step("embeddings", None, 64), {"source": source})
    assert contents(again) == contents(encoder)


def test_bad_sources_are_refused_by_the_worker_too(run: Runner, tmp_path: Path) -> None:
    source = samples.bert_folder(tmp_path)
    assert slug_of(run, source, context=65) == "context-too-long"
    assert slug_of(run, source, task="text-generation") == "task-mismatch"
    samples.write(source / "config.json", {**samples.BERT, "auto_map": {"AutoModel": "x.Y"}})
    assert slug_of(run, source) == "config-names-code"
    samples.write(source / "config.json", {**samples.BERT, "hidden_size": 96})
    assert slug_of(run, source) == "weights-mismatch"
    samples.write(source / "config.json", {**samples.BERT, "num_hidden_layers": 3})
    assert slug_of(run, source) == "weights-mismatch"
    (source / "model.safetensors").write_bytes(b"\x80\x04\x95\x10")
    assert slug_of(run, source) == "weights-pickle"
    half = samples.llama_gguf_of("whole")
    (source / "half.gguf").write_bytes(half[: len(half) // 2])
    assert slug_of(run, source, "text-generation", file="half.gguf") == "gguf-truncated"
