"""Files of the canonical model folder: how each is written.

Owns the bytes. Invariants: the same values give the same bytes (sorted keys, sorted tensors, no times, no paths);
every file has mode 0644.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file


def write_text(path: Path, text: str) -> None:
    """UTF-8, mode 0644."""
    path.write_text(text, encoding="utf-8")
    path.chmod(0o644)


def write_json(path: Path, value: Any) -> None:
    """Sorted keys, two spaces, a newline at the end."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def write_weights(path: Path, tensors: Mapping[str, np.ndarray]) -> int:
    """Write float32 tensors; returns their bytes. The writer sorts by name, the metadata is one constant entry."""
    float32 = {name: np.ascontiguousarray(tensors[name], dtype=np.float32) for name in sorted(tensors)}
    save_file(float32, str(path), metadata={"format": "pt"})
    path.chmod(0o644)
    return sum(tensor.nbytes for tensor in float32.values())
