"""Hugging Face folders: float32 weights under the names of the plain architecture, pooling, licence.

Owns what a folder says beside its config.json. Tensors are taken by name from the safetensors files; heads that the
task does not use are left out; nothing is initialised at random.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from edgewright.plugins.worker import WorkerError
from edgewright.sources.canonical.refused import RefusedError
from edgewright.sources.canonical.strict_json import bounded_bytes, read_object

_LIMIT_BYTES = 2**20
_PREFIXES = {"bert": "bert.", "roberta": "roberta.", "xlm-roberta": "roberta."}
_ENCODER_PARTS = ("embeddings.", "encoder.", "pooler.")
_BUFFERS = ("embeddings.position_ids", "embeddings.token_type_ids", "rotary_emb.inv_freq")
_POOLING = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
_MODULE = re.compile(r"sentence_transformers\.(?:[a-z_]+\.)*(Transformer|Pooling|Normalize)")
_LICENSE = re.compile(r"^license:\s*['\"]?([A-Za-z0-9.+-]{1,64})['\"]?\s*$", re.MULTILINE)


def read_weights(files: tuple[Path, ...], family: str) -> dict[str, np.ndarray]:
    """All tensors of the model, float32. Base-model prefixes are removed; buffers and task heads are dropped."""
    from safetensors.torch import load_file  # torch takes seconds to import: a refusal should not wait for it

    prefix = _PREFIXES.get(family)
    result: dict[str, np.ndarray] = {}
    for file in files:
        for name, tensor in load_file(str(file)).items():
            plain = name.removeprefix(prefix) if prefix else name
            if plain.endswith(_BUFFERS) or (prefix and not plain.startswith(_ENCODER_PARTS)):
                continue
            if not tensor.is_floating_point():
                problem = f"tensor {name!r:.120} holds {tensor.dtype} numbers, floats are needed"
                raise WorkerError("weights-quantized", f"{file.name}: {problem}")
            if plain in result:
                raise WorkerError("safetensors-malformed", f"{file.name}: tensor {plain!r:.120} is there twice")
            result[plain] = tensor.float().numpy()
    return result


def read_pooling(base: Path) -> dict[str, Any]:
    """How token vectors become one embedding: `pooling`, `normalize`, `recommended_length`.

    A folder without sentence-transformers' modules.json is pooled by the mean and not normalised, as
    sentence-transformers itself does with a plain transformer.
    """
    modules = base / "modules.json"
    if not modules.is_file():
        return {"pooling": "mean", "normalize": False, "recommended_length": None}
    listed = json.loads(bounded_bytes(modules, modules.name, _LIMIT_BYTES))
    pooling, normalize, length = "mean", False, None
    for module in listed if isinstance(listed, list) else []:
        kind = _MODULE.fullmatch(str(module.get("type", "")))
        if kind is None:
            raise RefusedError(
                "config-names-code",
                modules.name,
                f"module type {str(module.get('type'))!r:.120} is not Transformer, Pooling or Normalize",
            )
        folder = base / str(module.get("path", ""))
        if kind.group(1) == "Transformer" and (base / "sentence_bert_config.json").is_file():
            document, _ = read_object(base / "sentence_bert_config.json", "sentence_bert_config.json", _LIMIT_BYTES)
            length = document.get("max_seq_length")
        elif kind.group(1) == "Pooling":
            pooling = _pooling_mode(folder / "config.json", base)
        elif kind.group(1) == "Normalize":
            normalize = True
    return {"pooling": pooling, "normalize": normalize, "recommended_length": length}


def _pooling_mode(path: Path, base: Path) -> str:
    name = f"{path.parent.name}/{path.name}"
    if not path.resolve().is_relative_to(base.resolve()):
        raise RefusedError("config-names-code", "modules.json", f"path {str(path)!r:.120} leaves the model folder")
    document, _ = read_object(path, name, _LIMIT_BYTES)
    modes = sorted(key for key, value in document.items() if key.startswith("pooling_mode_") and value is True)
    if len(modes) != 1 or modes[0] not in _POOLING:
        problem = f"pooling {', '.join(modes) or 'none'}, known are {', '.join(_POOLING)}"
        raise RefusedError("pooling-unsupported", name, problem)
    return _POOLING[modes[0]]


def read_license(base: Path) -> str | None:
    """The licence that the model card's front matter states."""
    card = base / "README.md"
    if not card.is_file():
        return None
    text = bounded_bytes(card, card.name, _LIMIT_BYTES).decode("utf-8", errors="replace")
    if not text.startswith("---"):
        return None
    match = _LICENSE.search(text.split("\n---", 1)[0])
    return match.group(1) if match else None
