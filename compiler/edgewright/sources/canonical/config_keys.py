"""Which keys of a model's configuration are kept, and which are refused because they name code.

Owns the allow-list. Standard library only. Reason: transformers 4.56 to 5.2 has code-execution holes through
config.json even with `trust_remote_code=False`, so no key reaches a framework that is not listed here.

Invariants: a listed key is kept; a key or value that names code is refused, at any depth; everything else is dropped.
"""

from __future__ import annotations

import re
from typing import Any

from edgewright.sources.canonical.refused import RefusedError
from edgewright.sources.canonical.strict_json import place_of_key

ENCODERS = ("bert", "roberta", "xlm-roberta")
DECODERS = ("llama", "mistral", "qwen2")

_COMMON = frozenset({
    "architectures", "model_type", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
    "hidden_act", "initializer_range", "max_position_embeddings", "vocab_size", "bos_token_id", "eos_token_id",
    "pad_token_id", "tie_word_embeddings",
})  # fmt: skip
_ENCODER = frozenset({
    "attention_probs_dropout_prob", "hidden_dropout_prob", "layer_norm_eps", "type_vocab_size",
    "position_embedding_type",
})  # fmt: skip
_DECODER = frozenset({
    "num_key_value_heads", "head_dim", "rms_norm_eps", "rope_theta", "rope_scaling", "attention_bias", "mlp_bias",
    "attention_dropout", "sliding_window", "use_sliding_window", "max_window_layers",
})  # fmt: skip
_CODE_KEYS = frozenset({
    "auto_map", "trust_remote_code", "custom_pipelines", "custom_pipeline", "custom_generate", "custom_objects",
    "custom_modules", "code_revision", "remote_code", "modeling_file", "module_path", "python_module", "entry_point",
    "_attn_implementation_internal", "_experts_implementation_internal", "kernel_config",
})  # fmt: skip
_IMPLEMENTATION = re.compile(r"_?(\w+_)?implementation")
_BUILT_IN = (None, True, False, "eager", "sdpa", "flash_attention_2", "flex_attention")
_CODE_VALUE = re.compile(r"\S+--[\w.]+|\S+\.py(::\w+)?")
_MAX_DEPTH = 16


def refuse_code(document: Any, name: str, text: str, depth: int = 0) -> None:
    """Refuse a document with a key or a value that names code, wherever it is: `config-names-code`."""
    if depth > _MAX_DEPTH:
        raise RefusedError("json-malformed", name, f"nested deeper than {_MAX_DEPTH} levels")
    if isinstance(document, list):
        for item in document:
            refuse_code(item, name, text, depth + 1)
    if not isinstance(document, dict):
        return
    for key, value in document.items():
        problem = _names_code(key, value)
        if problem is not None:
            line, column = place_of_key(text, key) or (1, 1)
            raise RefusedError(
                "config-names-code",
                name,
                problem,
                line=line,
                column=column,
                hint="code of a model repository is never run: use a built-in architecture and delete the key",
            )
        refuse_code(value, name, text, depth + 1)


def _names_code(key: str, value: Any) -> str | None:
    if key in _CODE_KEYS and value not in (None, False):
        return f"key {key!r} names code to load with the model"
    if _IMPLEMENTATION.fullmatch(key) and not any(value is known or value == known for known in _BUILT_IN):
        return f"key {key!r} chooses the implementation {value!r:.80}, which is not built in"
    if isinstance(value, str) and len(value) < 512 and _CODE_VALUE.fullmatch(value):
        return f"key {key!r:.80} names the module {value!r:.80}"
    return None


def allowed_config(document: dict[str, Any], name: str, text: str) -> dict[str, Any]:
    """The kept part of a config.json. Refuses code, unknown architectures and weights that are already quantised."""
    refuse_code(document, name, text)
    family = document.get("model_type")
    if family not in (*ENCODERS, *DECODERS):
        line, column = place_of_key(text, "model_type") or (1, 1)
        raise RefusedError(
            "architecture-unknown",
            name,
            f"model_type is {family!r:.60}, known are {', '.join((*ENCODERS, *DECODERS))}",
            line=line,
            column=column,
        )
    if document.get("quantization_config") is not None:
        line, column = place_of_key(text, "quantization_config") or (1, 1)
        raise RefusedError(
            "weights-quantized",
            name,
            "the weights are already quantised; float weights are needed to compare with",
            line=line,
            column=column,
            hint="name the unquantised model and let a compression policy quantise it",
        )
    allowed = _COMMON | (_ENCODER if family in ENCODERS else _DECODER)
    return {key: value for key, value in sorted(_with_plain_rope(document).items()) if key in allowed}


def _with_plain_rope(document: dict[str, Any]) -> dict[str, Any]:
    """transformers 5 writes `rope_parameters`; version 4 reads `rope_theta` and `rope_scaling`."""
    parameters = document.get("rope_parameters")
    if not isinstance(parameters, dict) or "rope_theta" in document:
        return document
    plain = {**document, "rope_theta": parameters.get("rope_theta", 10000.0)}
    scaling = {key: value for key, value in parameters.items() if key != "rope_theta"}
    return plain if scaling.get("rope_type", "default") == "default" else {**plain, "rope_scaling": scaling}
