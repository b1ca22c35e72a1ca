"""The float32 reference of a text-generation model: transformers and PyTorch over the canonical folder.

Owns tokenizer, chat template and logits of the reference. Invariant: one sequence at a time, no cache, no padding.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2

from edgewright.metrics.dataset import Message


class Reference:
    """Tokenizer and decoder of the canonical model."""

    def __init__(self, canonical: Path, threads: int) -> None:
        # threads that wait by spinning take the processor from the other half of the machine
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        import torch
        import transformers

        self._torch: Any = torch
        torch.set_num_threads(threads)
        self._tokenizer: Any = transformers.AutoTokenizer.from_pretrained(canonical, local_files_only=True)
        self._model: Any = transformers.AutoModelForCausalLM.from_pretrained(
            canonical, dtype=torch.float32, local_files_only=True
        ).eval()

    @property
    def special_tokens(self) -> tuple[str, ...]:
        """The special tokens as text."""
        return tuple(self._tokenizer.all_special_tokens)

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The entries of the vocabulary, as the tokenizer writes them."""
        return tuple(self._tokenizer.get_vocab())

    @property
    def has_chat_template(self) -> bool:
        """Whether the model knows conversations."""
        return bool(self._tokenizer.chat_template)

    def encode(self, text: str, *, special: bool = True) -> list[int]:
        """Token ids, not truncated; `special` adds what the tokenizer adds by itself."""
        return [int(token) for token in self._tokenizer(text, add_special_tokens=special)["input_ids"]]

    def render(self, messages: Sequence[Message], *, prompt: bool) -> str:
        """The text of a conversation; `prompt` ends it where the assistant is to speak. The template may raise."""
        plain = [dict(message) for message in messages]
        return str(self._tokenizer.apply_chat_template(plain, tokenize=False, add_generation_prompt=prompt))

    def renders(self, messages: Sequence[Message]) -> bool:
        """Whether the chat template takes this conversation; False when there is none."""
        return self.rendered_or_none(messages, prompt=False) is not None

    def rendered_or_none(self, messages: Sequence[Message], *, prompt: bool) -> str | None:
        """As `render`; None when there is no template or it refuses the conversation."""
        if not self.has_chat_template:
            return None
        try:
            return self.render(messages, prompt=prompt)
        except (jinja2.TemplateError, ValueError, TypeError):
            return None

    def logits(self, ids: Sequence[int]) -> Any:
        """Next-token logits at every position: float32 array [len(ids), vocabulary]."""
        with self._torch.inference_mode():
            return self._model(input_ids=self._torch.tensor([list(ids)]), use_cache=False).logits[0].numpy()
