"""The step `import`: inspected source files in, the canonical model folder out.

Owns the order of the work, the facts and the final check. Invariants: no framework reads a file before the inspector
did; what is written loads in the framework with exactly the tensors it expects; two imports of the same files are
byte-identical.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from edgewright.plugins.worker import Facts, Request, WorkerError
from edgewright.sources.canonical.config_keys import DECODERS, ENCODERS
from edgewright.sources.canonical.inspect import ModelFiles, inspect_model
from edgewright.sources.canonical.refused import RefusedError
from edgewright.sources.canonical.worker import hugging_face
from edgewright.sources.canonical.worker.gguf_llama import LlamaGguf
from edgewright.sources.canonical.worker.tokenizers_canonical import (
    CanonicalTokenizer,
    read_folder_tokenizer,
    write_tokenizer,
)
from edgewright.sources.canonical.worker.writing import write_json, write_weights

_FAMILIES = {"embeddings": ENCODERS, "text-generation": DECODERS}
_NO_POOLING: dict[str, Any] = {"pooling": None, "normalize": False, "recommended_length": None}


def import_model(request: Request) -> Facts:
    """Input `source`; options `task`, `file` (optional), `context` (optional). Returns the facts it writes."""
    try:
        files = inspect_model(request.inputs["source"], request.options.get("file"))
        return _import(request, files)
    except RefusedError as refused:
        raise WorkerError(refused.slug, refused.message, hint=refused.hint) from None


def _import(request: Request, files: ModelFiles) -> Facts:
    task, output = request.options["task"], request.output
    if task not in _FAMILIES:
        raise WorkerError("task-unsupported", f"task {task!r} is not imported, known are {', '.join(_FAMILIES)}")
    base = files.weights[0].parent
    if files.kind == "gguf":
        source = LlamaGguf(files.weights[0])
        config, tokenizer = source.config(), source.tokenizer()
        pooling, license_name = _NO_POOLING, source.get("general.license")
        weights = source.weights(config)
    else:
        config, tokenizer = dict(files.config), read_folder_tokenizer(base)
        license_name = hugging_face.read_license(base)
        pooling = hugging_face.read_pooling(base) if task == "embeddings" else _NO_POOLING
        weights = hugging_face.read_weights(files.weights, config["model_type"])
    if config["model_type"] not in _FAMILIES[task]:
        raise WorkerError(
            "task-mismatch",
            f"architecture {config['model_type']} does not do {task}, these do: {', '.join(_FAMILIES[task])}",
        )
    if config.get("tie_word_embeddings", task == "embeddings"):
        weights.pop("lm_head.weight", None)
    facts = _facts(task, files.kind, config, tokenizer, weights, pooling, license_name)
    _check_context(request.options.get("context"), facts["max_positions"])
    config["dtype"] = "float32"
    write_json(output / "config.json", config)
    write_weights(output / "model.safetensors", weights)
    write_tokenizer(output, tokenizer, facts["max_positions"])
    if task == "text-generation":
        write_json(output / "generation_config.json", _generation_config(facts))
    write_json(output / "facts.json", facts)
    _check_loads(output, task)
    return facts


def _facts(
    task: str,
    kind: str,
    config: dict[str, Any],
    tokenizer: CanonicalTokenizer,
    weights: dict[str, np.ndarray],
    pooling: dict[str, Any],
    license_name: Any,
) -> Facts:
    heads, hidden = int(config["num_attention_heads"]), int(config["hidden_size"])
    positions = int(config["max_position_embeddings"])
    if config["model_type"] in ("roberta", "xlm-roberta"):  # positions begin after the padding id
        positions -= int(config.get("pad_token_id") or 1) + 1
    eos = config.get("eos_token_id")
    if eos is None and task == "text-generation":
        eos = tokenizer.token_id("eos_token")
    parameters = sum(int(tensor.size) for tensor in weights.values())
    highest = max(tokenizer.tokenizer.get_vocab(with_added_tokens=True).values())
    if highest >= int(config["vocab_size"]):
        raise WorkerError(
            "tokenizer-invalid", f"the tokenizer has id {highest}, the model has {config['vocab_size']} embeddings"
        )
    return {
        "schema": 1,
        "architecture": config["model_type"],
        "task": task,
        "parameters": parameters,
        "weights_bytes_float32": parameters * 4,
        "hidden_size": hidden,
        "intermediate_size": int(config["intermediate_size"]),
        "layers": int(config["num_hidden_layers"]),
        "attention_heads": heads,
        "kv_heads": int(config.get("num_key_value_heads") or heads),
        "head_dim": int(config.get("head_dim") or hidden // heads),
        "vocab_size": int(config["vocab_size"]),
        "max_positions": positions,
        "tied_embeddings": task == "text-generation" and "lm_head.weight" not in weights,
        "dimension": hidden if task == "embeddings" else None,
        "bos_token_id": _first(config.get("bos_token_id"), tokenizer.token_id("bos_token")),
        "eos_token_ids": eos if isinstance(eos, list) else [eos] if eos is not None else [],
        "pad_token_id": _first(config.get("pad_token_id"), tokenizer.token_id("pad_token")),
        "license": license_name if isinstance(license_name, str) else None,
        "format": kind,
        **pooling,
    }


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _check_context(context: Any, positions: int) -> None:
    if context is not None and int(context) > positions:
        raise WorkerError(
            "context-too-long",
            f"context is {context} tokens, the model has {positions} positions",
            hint=f"set spec.model.context to {positions} or less",
        )


def _generation_config(facts: Facts) -> dict[str, Any]:
    eos = facts["eos_token_ids"]
    if not eos:
        raise WorkerError("eos-missing", "neither config.json nor the tokenizer names an end-of-sequence token")
    return {
        "bos_token_id": facts["bos_token_id"],
        "eos_token_id": eos[0] if len(eos) == 1 else eos,
        "pad_token_id": facts["pad_token_id"],
    }


def _check_loads(folder: Path, task: str) -> None:
    """Load what was written and run two tokens through it: names, shapes and finite numbers."""
    import torch
    from transformers import AutoModel, AutoModelForCausalLM

    loader = AutoModel if task == "embeddings" else AutoModelForCausalLM
    try:
        model, info = loader.from_pretrained(
            folder, dtype=torch.float32, output_loading_info=True, local_files_only=True
        )
    except (RuntimeError, ValueError, KeyError) as error:
        raise WorkerError("weights-mismatch", f"config.json and weights disagree: {str(error)[:300]}") from None
    missing = [name for name in info["missing_keys"] if not name.startswith("pooler.")]
    if missing or info["unexpected_keys"] or info["mismatched_keys"]:
        raise WorkerError(
            "weights-mismatch",
            f"config.json and weights disagree: {len(missing)} tensors missing ({', '.join(sorted(missing)[:3])}), "
            f"{len(info['unexpected_keys'])} unexpected ({', '.join(sorted(info['unexpected_keys'])[:3])}), "
            f"{len(info['mismatched_keys'])} of another shape",
        )
    with torch.no_grad():
        result = model(input_ids=torch.tensor([[0, 1]]), attention_mask=torch.tensor([[1, 1]]))[0]
    if not bool(torch.isfinite(result).all()):
        raise WorkerError("weights-not-finite", "the model answers two tokens with numbers that are not finite")
