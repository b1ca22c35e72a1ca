"""No key of a model's configuration reaches a framework unless it is listed, and none may name code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.sources_canonical import samples

from edgewright.sources.canonical.config_keys import allowed_config, refuse_code
from edgewright.sources.canonical.inspect import inspect_model
from edgewright.sources.canonical.refused import RefusedError
from edgewright.sources.canonical.strict_json import parse_object, place_of_key


def refused(document: dict[str, Any]) -> RefusedError:
    text = json.dumps(document, indent=2)
    with pytest.raises(RefusedError) as caught:
        allowed_config(document, "config.json", text)
    return caught.value


def test_auto_map_is_refused_at_its_line_and_column(tmp_path: Path) -> None:
    folder = samples.bert_folder(tmp_path)
    config = {**samples.BERT, "auto_map": {"AutoModel": "modeling.Model"}}
    (folder / "config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
    with pytest.raises(RefusedError) as caught:
        inspect_model(folder)
    line = json.dumps(config, indent=2)[: json.dumps(config, indent=2).index('"auto_map"')].count("\n") + 1
    assert caught.value.slug == "config-names-code"
    assert (caught.value.line, caught.value.column) == (line, 3)
    assert caught.value.message.startswith(f"config.json:{line}:3: key 'auto_map' names code")


@pytest.mark.parametrize(
    "extra",
    [
        {"trust_remote_code": True},
        {"custom_pipelines": {"x": {"impl": "a.B"}}},
        {"_attn_implementation_internal": "someone/kernel"},
        {"_attn_implementation": "someone/kernel"},
        {"attn_implementation": "paged|someone/kernel"},
        {"_experts_implementation": "someone/kernel"},
        {"text_config": {"auto_map": {"AutoConfig": "x.Y"}}},
        {"layers": [{"deep": {"trust_remote_code": 1}}]},
        {"anything": "someone/repo--modeling.Model"},
        {"anything": "modeling_x.py"},
    ],
)
def test_a_key_that_names_code_is_refused_at_any_depth(extra: dict[str, Any]) -> None:
    assert refused({**samples.BERT, **extra}).slug == "config-names-code"


@pytest.mark.parametrize(
    "extra",
    [{"_attn_implementation": "sdpa"}, {"_attn_implementation_autoset": True}, {"auto_map": None}, {"note": "a--b c"}],
)
def test_a_key_that_does_not_name_code_is_dropped(extra: dict[str, Any]) -> None:
    config = allowed_config({**samples.BERT, **extra}, "config.json", "{}")
    assert not set(extra) & set(config)


def test_code_in_the_tokenizer_options_is_refused(tmp_path: Path) -> None:
    folder = samples.bert_folder(tmp_path)
    samples.write(folder / "tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["tok.Tok", None]}})
    with pytest.raises(RefusedError) as caught:
        inspect_model(folder)
    assert caught.value.file == "tokenizer_config.json"


def test_an_unknown_architecture_is_refused_at_its_place() -> None:
    caught = refused({**samples.BERT, "model_type": "mystery"})
    assert caught.slug == "architecture-unknown"
    assert "known are bert" in caught.message
    assert caught.line is not None


def test_weights_that_are_quantised_already_are_refused() -> None:
    assert refused({**samples.LLAMA, "quantization_config": {"bits": 4}}).slug == "weights-quantized"


def test_rope_of_transformers_5_is_read() -> None:
    plain = {key: value for key, value in samples.LLAMA.items() if key != "rope_theta"}
    parameters: dict[str, Any] = {"rope_theta": 5e5, "rope_type": "default"}
    assert allowed_config({**plain, "rope_parameters": parameters}, "c", "{}")["rope_theta"] == 5e5
    parameters |= {"rope_type": "llama3", "factor": 8.0}
    config = allowed_config({**plain, "rope_parameters": parameters}, "c", "{}")
    assert config["rope_scaling"] == {"rope_type": "llama3", "factor": 8.0}


def test_a_key_inside_a_string_is_not_mistaken_for_a_key() -> None:
    text = '{"note": "\\"auto_map\\": 1",\n  "auto_map": 2}'
    assert place_of_key(text, "auto_map") == (2, 3)
    assert place_of_key(text, "absent") is None


def test_a_duplicate_key_is_refused_at_its_place() -> None:
    with pytest.raises(RefusedError) as caught:
        parse_object(b'{"a": 1,\n "b": 2, "b": 3}', "config.json")
    assert caught.value.slug == "json-duplicate-key"
    assert caught.value.line == 2


@pytest.mark.parametrize("data", [b"[1]", b'{"a": NaN}', b"{", b"\xff\xfe", b'{"a":' * 5000, b'{"a":1} x'])
def test_what_is_not_one_json_object_is_refused(data: bytes) -> None:
    with pytest.raises(RefusedError) as caught:
        parse_object(data, "config.json")
    assert caught.value.slug == "json-malformed"


def test_a_document_nested_too_deeply_for_the_walk_is_refused() -> None:
    document: Any = {}
    for _ in range(20):
        document = {"a": document}
    with pytest.raises(RefusedError):
        refuse_code(document, "config.json", "")
