"""The float32 reference of an embedding model: transformers and PyTorch over the canonical folder.

Owns the pooling, as the model's facts state it. Invariant: one text at a time and no padding, so that nothing but the
text decides its vector.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgewright.plugins.worker import WorkerError


class Reference:
    """Tokenizer and encoder of the canonical model."""

    def __init__(self, canonical: Path, threads: int) -> None:
        # threads that wait by spinning take the processor from the other half of the machine
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        import torch
        import transformers

        self._torch: Any = torch
        torch.set_num_threads(threads)
        facts = json.loads((canonical / "facts.json").read_text(encoding="utf-8"))
        self._pooling = facts["pooling"]
        self._normalize = bool(facts["normalize"])
        if self._pooling not in ("mean", "cls"):
            raise WorkerError("pooling-unknown", f"pooling is {self._pooling!r}, mean and cls are known")
        self._tokenizer: Any = transformers.AutoTokenizer.from_pretrained(canonical, local_files_only=True)
        self._model: Any = transformers.AutoModel.from_pretrained(
            canonical, dtype=torch.float32, local_files_only=True, add_pooling_layer=False
        ).eval()
        self.max_length = int(facts["max_positions"])

    def encode(self, text: str) -> list[int]:
        """Token ids with special tokens, not truncated."""
        return [int(token) for token in self._tokenizer(text, truncation=False)["input_ids"]]

    @property
    def special_tokens(self) -> tuple[str, ...]:
        """The special tokens as text."""
        return tuple(self._tokenizer.all_special_tokens)

    def embed(self, ids: Sequence[int]) -> list[float]:
        """The embedding of one sequence: float32 [dimension]."""
        torch = self._torch
        with torch.inference_mode():
            hidden = self._model(
                input_ids=torch.tensor([list(ids)]), attention_mask=torch.ones(1, len(ids), dtype=torch.int64)
            ).last_hidden_state[0]
            vector = hidden.mean(0) if self._pooling == "mean" else hidden[0]
            if self._normalize:
                vector = torch.nn.functional.normalize(vector, dim=0)
        return [float(value) for value in vector]
