"""The artifact folder of the two ONNX backends: what is in artifact.json, and how the documents are written.

Owns the document's keys. Standard library only; staged with both workers. Invariants: sorted keys, no times, no paths;
every file has mode 0644.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja")
_MODEL_FACTS = (
    "architecture", "parameters", "dimension", "pooling", "normalize", "recommended_length", "vocab_size",
    "max_positions", "layers", "kv_heads", "head_dim", "bos_token_id", "eos_token_ids", "pad_token_id", "license",
)  # fmt: skip


def read_facts(canonical: Path) -> dict[str, Any]:
    """facts.json of a canonical model folder."""
    facts: dict[str, Any] = json.loads((canonical / "facts.json").read_text(encoding="utf-8"))
    return facts


def write_document(path: Path, value: Any) -> None:
    """JSON with sorted keys and a newline at the end, mode 0644."""
    path.write_text(json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    path.chmod(0o644)


def copy_tokenizer(canonical: Path, artifact: Path) -> None:
    """The tokenizer files that the device reads."""
    folder = artifact / "tokenizer"
    folder.mkdir()
    for name in TOKENIZER_FILES:
        if (canonical / name).is_file():
            shutil.copyfile(canonical / name, folder / name)
            (folder / name).chmod(0o644)


def artifact_document(
    *,
    backend: str,
    facts: Mapping[str, Any],
    recipe: Mapping[str, Any],
    architecture: str,
    files: Mapping[str, str],
    context: int,
    inputs: list[dict[str, Any]],
    outputs: list[dict[str, Any]],
) -> dict[str, Any]:
    """The content of artifact.json. `context` is in tokens and never above what the model has positions for."""
    return {
        "schema": 1,
        "backend": backend,
        "task": facts["task"],
        "recipe": dict(recipe),
        "architecture": architecture,
        "model": {name: facts.get(name) for name in _MODEL_FACTS},
        "runtime": {"kind": backend, "files": dict(files), "threads_default": 1},
        "inputs": inputs,
        "outputs": outputs,
        "context": min(context, int(facts["max_positions"])),
        "determinism": "deterministic on this CPU",  # the test vector is this CPU's own run
    }
