"""Small model files written byte by byte, and the ways to break them. Standard library only."""

from __future__ import annotations

import json
import random
import struct
from array import array
from functools import cache
from pathlib import Path
from typing import Any

BERT = {
    "architectures": ["BertModel"], "model_type": "bert", "hidden_size": 48, "intermediate_size": 96,
    "num_hidden_layers": 2, "num_attention_heads": 4, "hidden_act": "gelu", "max_position_embeddings": 64,
    "type_vocab_size": 2, "vocab_size": 1100, "layer_norm_eps": 1e-12, "pad_token_id": 0,
    "transformers_version": "4.57.6", "_name_or_path": "somewhere",
}  # fmt: skip
LLAMA = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 64, "intermediate_size": 128,
    "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "hidden_act": "silu",
    "max_position_embeddings": 256, "vocab_size": 1100, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
    "tie_word_embeddings": True, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2,
}  # fmt: skip
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['content'] }}<|im_end|>{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>{% endif %}"
)

Tensors = dict[str, tuple[tuple[int, ...], "array[float]"]]


def values(seed: str, count: int, spread: float = 0.05) -> array[float]:
    generator = random.Random(seed)
    return array("f", (generator.gauss(0.0, spread) for _ in range(count)))


def tensors_of(shapes: dict[str, tuple[int, ...]]) -> Tensors:
    result: Tensors = {}
    for name, shape in shapes.items():
        count = 1
        for extent in shape:
            count *= extent
        is_scale = name.lower().endswith(("norm.weight", "layernorm.weight"))
        result[name] = (shape, array("f", [1.0] * count) if is_scale else values(name, count))
    return result


def bert_shapes(config: dict[str, Any] = BERT) -> dict[str, tuple[int, ...]]:
    hidden, wide = config["hidden_size"], config["intermediate_size"]
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (config["vocab_size"], hidden),
        "embeddings.position_embeddings.weight": (config["max_position_embeddings"], hidden),
        "embeddings.token_type_embeddings.weight": (config["type_vocab_size"], hidden),
        "embeddings.LayerNorm.weight": (hidden,),
        "embeddings.LayerNorm.bias": (hidden,),
    }
    for layer in range(config["num_hidden_layers"]):
        base = f"encoder.layer.{layer}."
        parts = {
            "attention.self.query": (hidden, hidden), "attention.self.key": (hidden, hidden),
            "attention.self.value": (hidden, hidden), "attention.output.dense": (hidden, hidden),
            "intermediate.dense": (wide, hidden), "output.dense": (hidden, wide),
        }  # fmt: skip
        for name, shape in parts.items():
            shapes[f"{base}{name}.weight"] = shape
            shapes[f"{base}{name}.bias"] = shape[:1]
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes[f"{base}{name}.weight"] = (hidden,)
            shapes[f"{base}{name}.bias"] = (hidden,)
    return shapes


def llama_shapes(config: dict[str, Any] = LLAMA) -> dict[str, tuple[int, ...]]:
    hidden, wide = config["hidden_size"], config["intermediate_size"]
    inner = config["num_attention_heads"] * config["head_dim"]
    narrow = config["num_key_value_heads"] * config["head_dim"]
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (config["vocab_size"], hidden),
        "model.norm.weight": (hidden,),
    }
    for layer in range(config["num_hidden_layers"]):
        base = f"model.layers.{layer}."
        shapes |= {
            f"{base}self_attn.q_proj.weight": (inner, hidden), f"{base}self_attn.k_proj.weight": (narrow, hidden),
            f"{base}self_attn.v_proj.weight": (narrow, hidden), f"{base}self_attn.o_proj.weight": (hidden, inner),
            f"{base}mlp.gate_proj.weight": (wide, hidden), f"{base}mlp.up_proj.weight": (wide, hidden),
            f"{base}mlp.down_proj.weight": (hidden, wide), f"{base}input_layernorm.weight": (hidden,),
            f"{base}post_attention_layernorm.weight": (hidden,),
        }  # fmt: skip
    return shapes


def safetensors_bytes(tensors: Tensors) -> bytes:
    header: dict[str, Any] = {}
    data = b""
    for name, (shape, numbers) in tensors.items():
        end = len(data) + len(numbers) * 4
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [len(data), end]}
        data += numbers.tobytes()
    return with_header(header, data)


def with_header(header: Any, data: bytes) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def _string(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def _value(value: Any) -> bytes:
    if isinstance(value, bool):
        return struct.pack("<I?", 7, value)
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    if isinstance(value, str):
        return struct.pack("<I", 8) + _string(value)
    if all(isinstance(item, int) for item in value):
        return struct.pack("<IIQ", 9, 5, len(value)) + struct.pack(f"<{len(value)}i", *value)
    return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(_string(item) for item in value)


def gguf_bytes(keys: dict[str, Any], tensors: Tensors) -> bytes:
    """A GGUF file with float32 tensors; shapes are given in the usual order and stored in GGUF's, fastest first."""
    infos, data = b"", b""
    for name, (shape, numbers) in tensors.items():
        infos += _string(name) + struct.pack("<I", len(shape))
        infos += b"".join(struct.pack("<Q", extent) for extent in reversed(shape))
        infos += struct.pack("<IQ", 0, len(data))
        data += numbers.tobytes()
        data += b"\0" * (-len(data) % 32)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys))
    head += b"".join(_string(key) + _value(value) for key, value in keys.items()) + infos
    return head + b"\0" * (-len(head) % 32) + data


def vocabulary(special: list[str], count: int) -> list[str]:
    """Special tokens, the 256 byte-level letters, then fillers."""
    letters = [chr(code) for code in (*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x180))][:256]
    tokens = special + letters
    return tokens + [f"filler{index}" for index in range(count - len(tokens))]


SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


@cache
def llama_gguf_of(name: str) -> bytes:
    """A GGUF made once: `small` or `whole`."""
    small = {**LLAMA, "vocab_size": 400, "num_hidden_layers": 1}
    return _llama_gguf(small if name == "small" else LLAMA)


def _llama_gguf(config: dict[str, Any] = LLAMA) -> bytes:
    """The very weights of `llama_folder` in llama.cpp's layout."""
    hugging_face = tensors_of(llama_shapes(config))
    names = {
        "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
    }  # fmt: skip
    tensors: Tensors = {}
    for name, (shape, numbers) in hugging_face.items():
        if not name.startswith("model.layers."):
            plain = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight"}[name]
            tensors[plain] = (shape, numbers)
            continue
        _, _, layer, *middle, suffix = name.split(".")
        target = names[".".join(middle)]
        if target in ("attn_q", "attn_k"):
            numbers = _interleaved(numbers, shape, config["head_dim"])
        tensors[f"blk.{layer}.{target}.{suffix}"] = (shape, numbers)
    tokens = vocabulary(SPECIAL, config["vocab_size"])
    keys: dict[str, Any] = {
        "general.architecture": "llama", "general.license": "apache-2.0",
        "llama.block_count": config["num_hidden_layers"], "llama.context_length": config["max_position_embeddings"],
        "llama.embedding_length": config["hidden_size"], "llama.feed_forward_length": config["intermediate_size"],
        "llama.attention.head_count": config["num_attention_heads"],
        "llama.attention.head_count_kv": config["num_key_value_heads"],
        "llama.rope.freq_base": config["rope_theta"],
        "llama.attention.layer_norm_rms_epsilon": config["rms_norm_eps"],
        "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "smollm", "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [3] * len(SPECIAL) + [1] * (len(tokens) - len(SPECIAL)),
        "tokenizer.ggml.merges": [], "tokenizer.ggml.bos_token_id": 1, "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.padding_token_id": 2, "tokenizer.chat_template": CHAT_TEMPLATE,
    }  # fmt: skip
    keys["tokenizer.ggml.merges"] = ["a b"]
    tokens[tokens.index("filler0")] = "ab"
    return gguf_bytes(keys, tensors)


def _interleaved(numbers: array[float], shape: tuple[int, ...], head_dim: int) -> array[float]:
    """llama.cpp's order of rows: within a head, row i of the first half beside row i of the second."""
    columns, half = shape[1], head_dim // 2
    result: array[float] = array("f")
    for head in range(shape[0] // head_dim):
        for index in range(half):
            for part in (0, 1):
                row = head * head_dim + part * half + index
                result += numbers[row * columns : (row + 1) * columns]
    return result


def byte_level_tokenizer(count: int) -> dict[str, Any]:
    tokens = vocabulary(SPECIAL, count)
    tokens[tokens.index("filler0")] = "ab"
    return {
        "version": "1.0",
        "truncation": {"max_length": 8, "strategy": "LongestFirst", "stride": 0, "direction": "Right"},
        "padding": None, "normalizer": {"type": "Sequence", "normalizers": []}, "post_processor": None,
        "added_tokens": [
            {"id": index, "content": text, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
             "special": True} for index, text in enumerate(SPECIAL)
        ],
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Digits", "individual_digits": True},
            {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}]},
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                  "vocab": {text: index for index, text in enumerate(tokens)}, "merges": [["a", "b"]]},
    }  # fmt: skip


def word_tokenizer(count: int) -> dict[str, Any]:
    """A lower-case WordPiece tokenizer that truncates to 16 and pads: what an import must undo."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = [chr(code) for code in range(0x21, 0x7F)]
    tokens = special + pieces + [f"##{piece}" for piece in pieces]
    tokens += [f"filler{index}" for index in range(count - len(tokens))]
    return {
        "version": "1.0",
        "truncation": {"max_length": 16, "strategy": "LongestFirst", "stride": 0, "direction": "Right"},
        "padding": {"strategy": {"Fixed": 16}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0,
                    "pad_type_id": 0, "pad_token": "[PAD]"},
        "added_tokens": [
            {"id": index, "content": text, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
             "special": True} for index, text in enumerate(special)
        ],
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                       "strip_accents": None, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                       {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]},
                               "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]}}},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": {text: index for index, text in enumerate(tokens)}},
    }  # fmt: skip


def write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2), encoding="utf-8")


def bert_folder(folder: Path, config: dict[str, Any] = BERT) -> Path:
    """A sentence-transformers folder: mean pooling, normalised, licence in the model card."""
    write(folder / "config.json", config)
    (folder / "model.safetensors").write_bytes(safetensors_bytes(tensors_of(bert_shapes(config))))
    write(folder / "tokenizer.json", word_tokenizer(config["vocab_size"]))
    write(folder / "special_tokens_map.json", {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]"})
    kinds = (("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize"))
    modules = [{"idx": 0, "path": path, "type": f"sentence_transformers.models.{kind}"} for path, kind in kinds]
    write(folder / "modules.json", modules)
    write(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": 48, "pooling_mode_mean_tokens": True})
    (folder / "README.md").write_text("---\nlanguage: en\nlicense: apache-2.0\n---\n# model\n", encoding="utf-8")
    return folder


def llama_folder(folder: Path, config: dict[str, Any] = LLAMA) -> Path:
    write(folder / "config.json", config)
    (folder / "model.safetensors").write_bytes(safetensors_bytes(tensors_of(llama_shapes(config))))
    write(folder / "tokenizer.json", byte_level_tokenizer(config["vocab_size"]))
    special = {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "pad_token": "<|im_end|>"}
    write(folder / "tokenizer_config.json", {**special, "chat_template": CHAT_TEMPLATE})
    return folder
