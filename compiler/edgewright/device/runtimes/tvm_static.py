"""Embeddings with statically planned libraries: one `encoder_<s>.so` per sequence length, one `weights.bin` for all.

Owns the ctypes binding. Needs libc and the standard library, no numpy, no framework. C entry of each library:

    int edge_run(const void *const *inputs, void *output, const void *weights, void *workspace);
    extern const uint64_t edge_workspace_bytes, edge_weights_bytes; extern const char *edge_error;

with inputs = {int64 ids[1,s], int64 mask[1,s]} and output float32[dimension].

Invariants: every buffer is 64-byte aligned (weights by mmap, which is page aligned); token ids are checked, because
the compiled `take` does not; one lock, because all lengths share one workspace.
"""

from __future__ import annotations

import ctypes
import mmap
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgewright.device.artifact import EMBEDDINGS, Artifact
from edgewright.device.refusal import Refusal
from edgewright.device.runtimes.base import check_ids, check_mask
from edgewright.device.runtimes.tokenizer import Tokenizer

ALIGNMENT = 64
WORKSPACE_CAP_BYTES = 4 * 2**30
"""A library that asks for more is refused before the allocation, not after it."""


class AlignedBuffer:
    """Zeroed memory whose `address` is a multiple of ALIGNMENT; lives as long as this object."""

    def __init__(self, size_bytes: int) -> None:
        self._raw = ctypes.create_string_buffer(size_bytes + ALIGNMENT)
        start = ctypes.addressof(self._raw)
        self.address = (start + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT

    def array(self, element: Any, length: int) -> Any:
        """A ctypes array of `length` elements over the start of the buffer."""
        return (element * length).from_address(self.address)


class _Library:
    """One compiled sequence length."""

    def __init__(self, path: Path, length: int) -> None:
        self.length = length
        try:
            self._library = ctypes.CDLL(str(path.resolve()), mode=ctypes.RTLD_LOCAL)
            self._run = self._library.edge_run
            self.workspace_bytes = int(ctypes.c_uint64.in_dll(self._library, "edge_workspace_bytes").value)
            self.weights_bytes = int(ctypes.c_uint64.in_dll(self._library, "edge_weights_bytes").value)
            self._error = ctypes.c_char_p.in_dll(self._library, "edge_error")
        except (OSError, AttributeError, ValueError) as error:
            raise Refusal("artifact-unloadable", f"{path.name} does not load: {error}") from None
        if self.workspace_bytes > WORKSPACE_CAP_BYTES:
            raise Refusal(
                "artifact-unloadable",
                f"{path.name} wants {self.workspace_bytes} bytes of workspace, {WORKSPACE_CAP_BYTES} are allowed",
            )
        self._run.restype = ctypes.c_int
        self._run.argtypes = [ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
        self.ids = AlignedBuffer(8 * length)
        self.mask = AlignedBuffer(8 * length)
        self._inputs = (ctypes.c_void_p * 2)(self.ids.address, self.mask.address)

    def run(self, output: int, weights: int, workspace: int) -> None:
        """Run on the buffers of this library; all three are addresses."""
        status = self._run(self._inputs, output, weights, workspace)
        if status != 0:
            reason = (self._error.value or b"").decode("utf-8", "replace")[:200]
            raise Refusal(
                "runtime-failed", f"edge_run returned {status} at length {self.length}: {reason or 'no reason'}"
            )


class StaticEmbeddings:
    """An `EmbeddingRuntime` that pads to the shortest compiled length that fits."""

    task = EMBEDDINGS

    def __init__(self, artifact: Artifact) -> None:
        if not artifact.sequence_lengths:
            raise Refusal("artifact-invalid", "artifact.json: runtime: sequence_lengths is missing")
        self.vocab_size = artifact.vocab_size
        self.dimension = int(artifact.dimension or 0)
        self.max_length = artifact.longest
        self._pad = artifact.pad_token_id if artifact.pad_token_id < artifact.vocab_size else 0
        self._tokenizer = Tokenizer(artifact.tokenizer)
        self._libraries = [_Library(artifact.model / f"encoder_{n}.so", n) for n in artifact.sequence_lengths]
        path = artifact.model / "weights.bin"
        size_bytes = path.stat().st_size if path.is_file() else 0
        for library in self._libraries:
            if library.weights_bytes != size_bytes or not size_bytes:
                wanted = f"encoder_{library.length}.so was compiled for {library.weights_bytes}"
                raise Refusal("artifact-unloadable", f"weights.bin has {size_bytes} bytes, {wanted}")
        with path.open("rb") as file:
            # a private writable mapping is how ctypes can learn its address; its pages stay shared with the page cache
            self._mapping: Any = mmap.mmap(
                file.fileno(), size_bytes, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE
            )
        self._anchor: Any = ctypes.c_char.from_buffer(self._mapping)
        self._weights = ctypes.addressof(self._anchor)
        self._workspace = AlignedBuffer(max(library.workspace_bytes for library in self._libraries))
        self._output = AlignedBuffer(4 * self.dimension)
        self._lock = threading.Lock()

    def encode(self, text: str, longest: int | None = None) -> list[int]:
        """Token ids of a text, special tokens included; see `base.EmbeddingRuntime`."""
        return self._tokenizer.encode(text, longest=longest)

    def embed(self, ids: Sequence[int], mask: Sequence[int]) -> list[float]:
        """The embedding of one sequence; see `base.EmbeddingRuntime`."""
        check_ids(ids, self.vocab_size, self.max_length)
        check_mask(mask, len(ids))
        library = next(library for library in self._libraries if library.length >= len(ids))
        padding = library.length - len(ids)
        with self._lock:
            library.ids.array(ctypes.c_int64, library.length)[:] = [*ids, *([self._pad] * padding)]
            library.mask.array(ctypes.c_int64, library.length)[:] = [*mask, *([0] * padding)]
            library.run(self._output.address, self._weights, self._workspace.address)
            return list(self._output.array(ctypes.c_float, self.dimension))

    def close(self) -> None:
        """Drop what the framework holds."""
        self._libraries = []
        self._anchor = None
        self._mapping.close()
