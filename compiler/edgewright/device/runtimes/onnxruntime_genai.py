"""Text generation with ONNX Runtime GenAI over the artifact's `model/` folder.

Owns the GenAI model and its search options. Tokenizing is done by `tokenizers`, not by GenAI: the same tokenizer as in
training, whose parity is measured.

Invariants: one generation at a time (a lock: a second one would halve the speed of both and double the KV cache); the
lock is given back when an iterator is closed or dropped.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from edgewright.device.artifact import GENERATION, Artifact
from edgewright.device.refusal import Missing, Refusal
from edgewright.device.runtimes.base import check_ids
from edgewright.device.runtimes.tokenizer import ChatTemplate, Tokenizer


class GenAIGeneration:
    """A `GenerationRuntime` over `onnxruntime_genai`."""

    task = GENERATION

    def __init__(self, artifact: Artifact, threads: int) -> None:
        try:
            import numpy
            import onnxruntime_genai
        except ImportError as error:
            raise Missing("runtime-missing", f"onnxruntime_genai cannot be imported: {error}") from None
        self._numpy: Any = numpy
        self._genai: Any = onnxruntime_genai
        session = {"intra_op_num_threads": threads, "inter_op_num_threads": 1}
        try:
            config = onnxruntime_genai.Config(str(artifact.model))
            config.overlay(json.dumps({"model": {"decoder": {"session_options": session}}}))
            self._model: Any = onnxruntime_genai.Model(config)
        except (RuntimeError, ValueError, OSError) as error:  # GenAI reports every failure as one of these
            raise Refusal("artifact-unloadable", f"the model does not load: {str(error)[:500]}") from None
        self.vocab_size = artifact.vocab_size
        self.context = artifact.longest
        self.eos_token_ids = artifact.eos_token_ids
        self._tokenizer = Tokenizer(artifact.tokenizer)
        self._template = ChatTemplate(artifact.tokenizer)
        self._lock = threading.Lock()

    def encode(self, text: str) -> list[int]:
        """Token ids of a text, special tokens included."""
        return self._tokenizer.encode(text)

    def render_chat(self, messages: Sequence[Mapping[str, str]]) -> str:
        """The conversation as the chat template writes it."""
        return self._template.render(messages)

    def encode_chat(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """Token ids of the rendered conversation; the template brings the special tokens."""
        return self._tokenizer.encode(self.render_chat(messages), add_special_tokens=False)

    def decode(self, ids: Sequence[int]) -> str:
        """Text of token ids, without special tokens."""
        return self._tokenizer.decode(ids)

    def generate(
        self,
        ids: Sequence[int],
        max_tokens: int,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int | None = None,
        ignore_eos: bool = False,
    ) -> Iterator[int]:
        """New token ids, one at a time; see `base.GenerationRuntime`."""
        check_ids(ids, self.vocab_size, self.context - 1)
        limit = min(len(ids) + max_tokens, self.context)
        shortest = limit if ignore_eos else 0
        options: dict[str, Any] = {"max_length": limit, "min_length": shortest, "do_sample": False}
        if temperature > 0:
            options.update(do_sample=True, temperature=float(temperature), top_p=float(top_p), top_k=0)
            if seed is not None:
                options["random_seed"] = int(seed)
        return self._tokens(list(ids), limit, options)

    def _tokens(self, ids: list[int], limit: int, options: Mapping[str, Any]) -> Iterator[int]:
        with self._lock:
            generator = self._generator(options)
            generator.append_tokens(self._numpy.asarray(ids, dtype=self._numpy.int32))
            for _ in range(limit - len(ids)):
                generator.generate_next_token()
                token = int(generator.get_next_tokens()[0])
                if token in self.eos_token_ids:
                    return
                yield token
                if generator.is_done():
                    return

    def _generator(self, options: Mapping[str, Any]) -> Any:
        parameters = self._genai.GeneratorParams(self._model)
        parameters.set_search_options(**options)
        return self._genai.Generator(self._model, parameters)

    def next_logits(self, ids: Sequence[int]) -> Any:
        """Logits of the token after `ids`, float32."""
        check_ids(ids, self.vocab_size, self.context - 1)
        with self._lock:
            generator = self._generator({"max_length": len(ids) + 1, "do_sample": False})
            generator.append_tokens(self._numpy.asarray(ids, dtype=self._numpy.int32))
            return self._numpy.array(generator.get_logits(), dtype=self._numpy.float32).reshape(-1, self.vocab_size)[-1]

    def logits(self, ids: Sequence[int]) -> Any:
        """One prefill: float32 array [len(ids), vocab_size]."""
        check_ids(ids, self.vocab_size, self.context - 1)
        with self._lock:
            generator = self._generator({"max_length": len(ids) + 1, "do_sample": False})
            generator.append_tokens(self._numpy.asarray(ids, dtype=self._numpy.int32))
            every = self._numpy.array(generator.get_output("logits"), dtype=self._numpy.float32)
        if every.shape[-2:] != (len(ids), self.vocab_size):
            raise Refusal(
                "runtime-failed",
                f"the model gives logits of shape {every.shape}, [1, {len(ids)}, {self.vocab_size}] is needed",
            )
        return every.reshape(len(ids), self.vocab_size)

    def close(self) -> None:
        """Drop what the framework holds."""
        self._model = None
