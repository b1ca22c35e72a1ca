"""GGUF files of the llama architecture: configuration, float32 weights and tokenizer from the metadata.

Owns the names and the layout: GGUF's tensor names against transformers', and the order of the rows of the query and
key matrices, which llama.cpp stores for interleaved rotary embeddings and transformers for split halves.

Must not use transformers' own conversion of the tokenizer: it adds a begin-of-sequence token, mistakes the end-of-
sequence token and drops the digit splitter.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from edgewright.plugins.worker import WorkerError
from edgewright.sources.canonical.worker.tokenizers_canonical import CanonicalTokenizer

_TOP = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight",
        "output.weight": "lm_head.weight"}  # fmt: skip
_BLOCK = {
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj", "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
}  # fmt: skip
_ROLES = {"bos_token": "bos", "eos_token": "eos", "unk_token": "unknown", "pad_token": "padding"}
_CONTROL, _USER_DEFINED = 3, 4  # tokenizer.ggml.token_type
_DIGITS_APART = ("smollm", "smollm2")
_PLAIN_GPT2 = ("gpt-2", "gpt2")


class LlamaGguf:
    """One opened file; its header was inspected before."""

    def __init__(self, path: Path) -> None:
        self._reader = GGUFReader(str(path))
        architecture = self.get("general.architecture")
        if architecture != "llama":
            raise WorkerError(
                "architecture-unknown", f"{path.name}: general.architecture is {architecture!r:.60}, known is llama"
            )
        if any(name.startswith("rope_") for name in (tensor.name for tensor in self._reader.tensors)) or (
            self.get("llama.rope.scaling.type", "none") != "none"
        ):
            raise WorkerError(
                "rope-scaling-unsupported",
                f"{path.name}: the rotary embedding is scaled, which is not imported from GGUF",
                hint="name the safetensors weights of the same model",
            )

    def get(self, key: str, default: Any = None) -> Any:
        """Value of a metadata key."""
        field = self._reader.fields.get(key)
        return default if field is None else field.contents()

    def _need(self, key: str) -> Any:
        value = self.get(key)
        if value is None:
            raise WorkerError("gguf-malformed", f"metadata key {key!r} is missing")
        return value

    def config(self) -> dict[str, Any]:
        """The configuration in transformers' words."""
        heads = int(self._need("llama.attention.head_count"))
        hidden = int(self._need("llama.embedding_length"))
        names = {tensor.name for tensor in self._reader.tensors}
        return {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "hidden_act": "silu",
            "hidden_size": hidden,
            "intermediate_size": int(self._need("llama.feed_forward_length")),
            "num_hidden_layers": int(self._need("llama.block_count")),
            "num_attention_heads": heads,
            "num_key_value_heads": int(self.get("llama.attention.head_count_kv", heads)),
            "head_dim": int(self.get("llama.attention.key_length", hidden // heads)),
            "max_position_embeddings": int(self._need("llama.context_length")),
            # stored as float32: eight digits give back the number that was written (1e-05, not 9.999999747e-06)
            "rms_norm_eps": float(f"{self._need('llama.attention.layer_norm_rms_epsilon'):.7g}"),
            "rope_theta": float(self.get("llama.rope.freq_base", 10000.0)),
            "vocab_size": len(self._need("tokenizer.ggml.tokens")),
            "tie_word_embeddings": "output.weight" not in names,
            "attention_bias": "blk.0.attn_q.bias" in names,
            "mlp_bias": False,
            "bos_token_id": self.get("tokenizer.ggml.bos_token_id"),
            "eos_token_id": self._need("tokenizer.ggml.eos_token_id"),
            "pad_token_id": self.get("tokenizer.ggml.padding_token_id"),
        }

    def weights(self, config: dict[str, Any]) -> dict[str, np.ndarray]:
        """All tensors, float32, under transformers' names."""
        result = {}
        for tensor in self._reader.tensors:
            values = dequantize(tensor.data, tensor.tensor_type).astype(np.float32, copy=False)
            values = values.reshape(tuple(int(extent) for extent in reversed(tensor.shape)))
            if ".attn_q." in tensor.name:
                values = split_halves(values, config["num_attention_heads"])
            elif ".attn_k." in tensor.name:
                values = split_halves(values, config["num_key_value_heads"])
            result[hugging_face_name(tensor.name)] = values
        return result

    def tokenizer(self) -> CanonicalTokenizer:
        """The tokenizer as the metadata describes it: byte-level BPE."""
        kind, split = self._need("tokenizer.ggml.model"), self.get("tokenizer.ggml.pre", "gpt-2")
        if kind != "gpt2" or split not in (*_DIGITS_APART, *_PLAIN_GPT2):
            raise WorkerError(
                "tokenizer-unknown",
                f"the tokenizer is {kind!r:.40} with splitter {split!r:.40}, "
                f"known is gpt2 with {', '.join((*_DIGITS_APART, *_PLAIN_GPT2))}",
                hint="name the safetensors weights of the same model, beside its tokenizer.json",
            )
        tokens, types = self._need("tokenizer.ggml.tokens"), self._need("tokenizer.ggml.token_type")
        merges = [tuple(merge.split(" ", 1)) for merge in self._need("tokenizer.ggml.merges")]
        vocabulary = {text: index for index, text in enumerate(tokens)}
        tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, fuse_unk=False, byte_fallback=False))
        bytes_of = pre_tokenizers.ByteLevel(
            add_prefix_space=bool(self.get("tokenizer.ggml.add_space_prefix", False)), use_regex=True
        )
        digits = pre_tokenizers.Digits(individual_digits=True)
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, bytes_of]) if split in _DIGITS_APART else bytes_of
        tokenizer.decoder = decoders.ByteLevel()
        typed = list(zip(tokens, types, strict=True))
        tokenizer.add_special_tokens(
            [AddedToken(text, special=True, normalized=False) for text, kind in typed if kind == _CONTROL]
        )
        tokenizer.add_tokens([AddedToken(text, normalized=False) for text, kind in typed if kind == _USER_DEFINED])
        special = {}
        for role, key in _ROLES.items():
            index = self.get(f"tokenizer.ggml.{key}_token_id")
            if index is not None:
                special[role] = tokens[index]
        return CanonicalTokenizer(tokenizer, special, self.get("tokenizer.chat_template"))


def split_halves(weights: np.ndarray, heads: int) -> np.ndarray:
    """Undo llama.cpp's permutation of the rows of one head: (d/2 pairs of 2) back to (2 halves of d/2).

    `weights` is [heads * d, …]. Source: `LlamaModel.permute` of llama.cpp's convert_hf_to_gguf.py, inverted.
    """
    half = weights.shape[0] // heads // 2
    return weights.reshape(heads, half, 2, *weights.shape[1:]).swapaxes(1, 2).reshape(weights.shape)


def hugging_face_name(name: str) -> str:
    """transformers' name of a GGUF tensor of a llama model. Refuses `gguf-malformed` for any other."""
    if name in _TOP:
        return _TOP[name]
    parts = name.split(".")
    if len(parts) == 4 and parts[0] == "blk" and parts[1].isdecimal() and parts[2] in _BLOCK:
        return f"model.layers.{parts[1]}.{_BLOCK[parts[2]]}.{parts[3]}"
    raise WorkerError("gguf-malformed", f"tensor {name!r:.120} does not belong to a llama model")
