"""What a runtime can do, whichever framework is below it.

Owns the two Protocols and the checks every runtime applies to its input. Must not import a framework, nor know HTTP.
The service, the self-test and the evaluation workers all use exactly this API, so what is measured is what is served:

    from edgewright.device.runtimes.load import load
    runtime = load(Path("artifact"), threads=1)          # EmbeddingRuntime or GenerationRuntime, by artifact.json
    ids = runtime.encode("some text")                    # the device's own tokenizer, special tokens included
    vector = runtime.embed(ids, [1] * len(ids))          # list of `dimension` floats
    ids = runtime.encode_chat([{"role": "user", "content": "hello"}])
    text = runtime.decode(list(runtime.generate(ids, max_tokens=32)))

Invariants: token ids are validated against the vocabulary before native code sees them (TVM's `take` does not check
bounds); a runtime is safe to call from several threads (it serialises where its buffers are shared); everything
refused is a `Refusal` with the number that is wrong and the number allowed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from edgewright.device.refusal import Refusal


@runtime_checkable
class EmbeddingRuntime(Protocol):
    """Text or token ids in, one vector out."""

    task: str
    """"embeddings"."""
    vocab_size: int
    dimension: int
    max_length: int
    """Most token ids one text may have, special tokens included."""

    def encode(self, text: str, longest: int | None = None) -> list[int]:
        """Token ids of a text with the special tokens of the model, not padded.

        Cut to `longest` ids where that is given, the tokens that close a text kept; else whole."""

    def embed(self, ids: Sequence[int], mask: Sequence[int]) -> list[float]:
        """The embedding of one sequence. `mask` is 1 for a token, 0 for padding, as long as `ids`.

        Refuses `token-id-invalid`, `input-too-long` and `input-empty`."""

    def close(self) -> None:
        """Give back buffers and mappings; the runtime is not used afterwards."""


@runtime_checkable
class GenerationRuntime(Protocol):
    """Token ids in, token ids out, one at a time."""

    task: str
    """"text-generation"."""
    vocab_size: int
    context: int
    """Most token ids of prompt and answer together."""
    eos_token_ids: tuple[int, ...]

    def encode(self, text: str) -> list[int]:
        """Token ids of a text, without a chat template, with the special tokens the tokenizer adds by itself."""

    def encode_chat(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """Token ids of a conversation, rendered by the artifact's chat template with the generation prompt."""

    def render_chat(self, messages: Sequence[Mapping[str, str]]) -> str:
        """The text of a conversation as the chat template writes it, before it is tokenized."""

    def generate(
        self,
        ids: Sequence[int],
        max_tokens: int,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int | None = None,
        ignore_eos: bool = False,
    ) -> Iterator[int]:
        """Yield up to `max_tokens` new token ids; ends before an end-of-sequence id, which is not yielded.

        `temperature` 0 is greedy. `ignore_eos` makes the model go on to `max_tokens`, for measurements. Closing the
        iterator stops the work. Refuses as `embed` does, when called, not at the first `next`."""

    def next_logits(self, ids: Sequence[int]) -> Sequence[float]:
        """Logits of the token after `ids`: `vocab_size` floats (a float32 array where the runtime has numpy)."""

    def logits(self, ids: Sequence[int]) -> Any:
        """Logits at every position of `ids`: float32 array [len(ids), vocab_size], for evaluation."""

    def decode(self, ids: Sequence[int]) -> str:
        """Text of token ids, without special tokens."""

    def close(self) -> None:
        """Give back what the framework holds; the runtime is not used afterwards."""


def check_ids(ids: Sequence[int], vocab_size: int, longest: int) -> None:
    """Refuse ids that native code must never see. Every runtime calls this before it touches a buffer."""
    if not ids:
        raise Refusal("input-empty", "the input has 0 tokens, at least 1 is needed")
    if len(ids) > longest:
        raise Refusal(
            "input-too-long",
            f"the input has {len(ids)} tokens, {longest} are allowed",
            hint="shorten the text, or ask for truncation",
        )
    for position, token in enumerate(ids):
        if isinstance(token, bool) or not isinstance(token, int) or not 0 <= token < vocab_size:
            raise Refusal(
                "token-id-invalid",
                f"token {position} has id {token!r:.40}, ids from 0 to {vocab_size - 1} are allowed",
            )


def check_mask(mask: Sequence[int], length: int) -> None:
    """Refuse a mask that does not belong to its ids, or that hides every token (the pooling would divide by zero)."""
    if len(mask) != length:
        raise Refusal("mask-invalid", f"the mask has {len(mask)} entries, its input has {length}")
    if any(value not in (0, 1) for value in mask):
        raise Refusal("mask-invalid", "the mask has an entry other than 0 and 1")
    if 1 not in mask:
        raise Refusal("mask-invalid", "the mask hides all tokens, at least 1 must be visible")
