"""Embeddings with ONNX Runtime: inputs `input_ids` and `attention_mask` int64[1, n], output `embedding` float32[1, d].

Owns the session. Must not know HTTP.

Invariants: one intra-op pool of the given number of threads, no spinning; only CPU; ids are checked before the session
sees them. `InferenceSession.run` may be called from several threads, so there is no lock here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgewright.device.artifact import EMBEDDINGS, Artifact
from edgewright.device.refusal import Missing, Refusal
from edgewright.device.runtimes.base import check_ids, check_mask
from edgewright.device.runtimes.tokenizer import Tokenizer


class OnnxEmbeddings:
    """An `EmbeddingRuntime` over `model/model.onnx`."""

    task = EMBEDDINGS

    def __init__(self, artifact: Artifact, threads: int) -> None:
        try:
            import numpy
            import onnxruntime
        except ImportError as error:
            raise Missing("runtime-missing", f"onnxruntime cannot be imported: {error}") from None
        self._numpy: Any = numpy
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        path = artifact.model / "model.onnx"
        if not path.is_file():
            raise Refusal("artifact-unloadable", "model/model.onnx is missing")
        try:
            self._session: Any = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except _framework_errors(onnxruntime) as error:
            raise Refusal("artifact-unloadable", f"model/model.onnx does not load: {str(error)[:500]}") from None
        names = sorted(value.name for value in self._session.get_inputs())
        if names != ["attention_mask", "input_ids"]:
            raise Refusal(
                "artifact-unloadable", f"model.onnx has the inputs {names}, input_ids and attention_mask are needed"
            )
        self.vocab_size = artifact.vocab_size
        self.dimension = int(artifact.dimension or 0)
        self.max_length = artifact.longest
        self._tokenizer = Tokenizer(artifact.tokenizer)

    def encode(self, text: str, longest: int | None = None) -> list[int]:
        """Token ids of a text, special tokens included; see `base.EmbeddingRuntime`."""
        return self._tokenizer.encode(text, longest=longest)

    def embed(self, ids: Sequence[int], mask: Sequence[int]) -> list[float]:
        """The embedding of one sequence; see `base.EmbeddingRuntime`."""
        check_ids(ids, self.vocab_size, self.max_length)
        check_mask(mask, len(ids))
        feeds = {
            "input_ids": self._numpy.asarray([ids], dtype=self._numpy.int64),
            "attention_mask": self._numpy.asarray([mask], dtype=self._numpy.int64),
        }
        output = self._session.run(["embedding"], feeds)[0]
        if output.shape != (1, self.dimension):
            raise Refusal(
                "artifact-unloadable", f"embedding has shape {output.shape}, (1, {self.dimension}) was declared"
            )
        return [float(value) for value in output[0]]

    def close(self) -> None:
        """Drop what the framework holds."""
        self._session = None


def _framework_errors(onnxruntime: Any) -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises for a model it cannot take: classes of its own, all direct children of Exception."""
    state = onnxruntime.capi.onnxruntime_pybind11_state
    names = (
        "Fail",
        "InvalidGraph",
        "InvalidProtobuf",
        "InvalidArgument",
        "NotImplemented",
        "NoSuchFile",
        "RuntimeException",
    )
    return (*(getattr(state, name) for name in names if hasattr(state, name)), RuntimeError, ValueError)
