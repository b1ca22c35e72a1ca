"""The loaded model of the service, and who may use it when.

Owns the runtime, the slot that bounds concurrency, and turning requests into answers. Must not know HTTP.

Invariants: one inference at a time and a bounded queue, because every runtime here is bound by the same cores; whoever
does not fit is told so at once (429), not after a time-out; nothing is truncated unless the request asks.
"""

from __future__ import annotations

import base64
import contextlib
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgewright.device.artifact import EMBEDDINGS, GENERATION, Artifact
from edgewright.device.refusal import Refusal
from edgewright.device.runtimes.load import load_artifact
from edgewright.device.service.api import DEFAULT_MAX_TOKENS, ApiError, ChatRequest, EmbeddingsRequest
from edgewright.device.service.metrics import Metrics
from edgewright.device.service.text import StopText

Loader = Callable[[Artifact, int], Any]
LONGEST_QUEUE = 16
WAIT_S = 60.0


@dataclass(frozen=True)
class Identity:
    """Which release a process serves."""

    blueprint: str
    release: int
    version: str
    target: str
    artifact: Artifact

    def labels(self) -> dict[str, str]:
        """For the metrics."""
        return {
            "blueprint": self.blueprint,
            "release": str(self.release),
            "version": self.version,
            "target": self.target,
            "backend": self.artifact.backend,
        }


@dataclass
class Completion:
    """What was generated so far."""

    prompt_tokens: int
    finish_reason: str = "length"
    tokens: list[int] = field(default_factory=list)


class Model:
    """The runtime behind one slot. Not ready until `load` returned."""

    def __init__(self, identity: Identity, metrics: Metrics, threads: int, loader: Loader = load_artifact) -> None:
        self._loader = loader
        self.identity = identity
        self._metrics = metrics
        self._threads = threads
        self._runtime: Any = None
        self._slot = threading.Semaphore(1)
        self._queue = threading.Semaphore(LONGEST_QUEUE)
        self.load_seconds: float | None = None

    def load(self) -> None:
        """Load the artifact; ready afterwards."""
        begin = time.monotonic()
        runtime = self._loader(self.identity.artifact, self._threads)
        self._runtime = runtime
        self.load_seconds = time.monotonic() - begin

    @property
    def is_ready(self) -> bool:
        """Whether requests can be answered."""
        return self._runtime is not None

    @property
    def threads(self) -> int:
        """Threads the runtime uses."""
        return self._threads

    @contextlib.contextmanager
    def exclusive(self, wait_s: float = WAIT_S) -> Iterator[Any]:
        """The runtime, alone; 503 before it is loaded, 429 when the queue is full or the wait too long."""
        if self._runtime is None:
            raise ApiError(503, "the model is being loaded", code="not_ready", headers={"Retry-After": "2"})
        if not self._queue.acquire(blocking=False):
            raise _busy(f"{LONGEST_QUEUE} requests wait already")
        self._metrics.begin()
        try:
            if not self._slot.acquire(timeout=wait_s):
                raise _busy(f"no turn within {wait_s:g} s")
            try:
                yield self._runtime
            finally:
                self._slot.release()
        finally:
            self._metrics.end()
            self._queue.release()

    def check_model(self, name: str) -> None:
        """The one model here is called as the blueprint is; 404 for any other."""
        if name != self.identity.blueprint:
            message = f"the model {name[:80]!r} does not exist here, {self.identity.blueprint!r} does"
            raise ApiError(404, message, code="model_not_found", parameter="model")

    def embeddings(self, request: EmbeddingsRequest) -> dict[str, Any]:
        """The answer of /v1/embeddings."""
        self._require(EMBEDDINGS)
        with self.exclusive() as runtime:
            if request.dimensions not in (None, runtime.dimension):
                message = f"dimensions is {request.dimensions}, this model gives {runtime.dimension}"
                raise ApiError(400, message, code="invalid_value", parameter="dimensions")
            every = [self._ids(runtime, entry, request.truncate) for entry in request.inputs]
            with client_errors("input"):
                vectors = [runtime.embed(ids, [1] * len(ids)) for ids in every]
        total = sum(len(ids) for ids in every)
        self._metrics.tokens(total, 0)
        data = [
            {"object": "embedding", "index": index, "embedding": _base64(vector) if request.base64 else vector}
            for index, vector in enumerate(vectors)
        ]
        usage = {"prompt_tokens": total, "total_tokens": total}
        return {"object": "list", "data": data, "model": self.identity.blueprint, "usage": usage}

    def _ids(self, runtime: Any, entry: Any, truncate: bool) -> list[int]:
        longest = runtime.max_length
        with client_errors("input"):
            ids = runtime.encode(entry, longest if truncate else None) if isinstance(entry, str) else list(entry)
        if len(ids) > longest:
            if not truncate:
                message = (
                    f"the input has {len(ids)} tokens, this model reads {longest}; shorten it or send truncate: true"
                )
                raise ApiError(400, message, code="context_length_exceeded", parameter="input")
            ids = ids[:longest]
        return ids

    def prompt(self, request: ChatRequest) -> tuple[list[int], int]:
        """Token ids of a conversation and how many tokens the answer may have; 400 when it does not fit."""
        self._require(GENERATION)
        runtime = self._runtime
        if runtime is None:
            raise ApiError(503, "the model is being loaded", code="not_ready", headers={"Retry-After": "2"})
        with client_errors("messages"):
            ids = runtime.encode_chat(request.messages)
        left = runtime.context - len(ids)
        wanted = request.max_tokens
        if left < 1 or (wanted is not None and wanted > left):
            message = (
                f"the messages have {len(ids)} tokens"
                + (f" and {wanted} are asked for" if wanted is not None else "")
                + f", this model's context is {runtime.context}"
            )
            raise ApiError(400, message, code="context_length_exceeded", parameter="messages")
        return ids, wanted if wanted is not None else min(DEFAULT_MAX_TOKENS, left)

    def chat(
        self, request: ChatRequest, ids: Sequence[int], max_tokens: int, completion: Completion, deadline: float
    ) -> Iterator[str]:
        """Pieces of text as they are generated; `completion` is filled along the way."""
        with self.exclusive() as runtime:
            begin = time.monotonic()
            text = StopText(runtime.decode, request.stop)
            with client_errors("messages"):
                tokens = runtime.generate(ids, max_tokens, request.temperature, request.top_p, request.seed)
            completion.finish_reason = "stop"
            try:
                for token in tokens:
                    if not completion.tokens:
                        self._metrics.first_token(time.monotonic() - begin)
                    completion.tokens.append(token)
                    piece = text.add(token)
                    if piece:
                        yield piece
                    if text.is_stopped:
                        break
                    if len(completion.tokens) >= max_tokens or time.monotonic() > deadline:
                        completion.finish_reason = "length"
                        break
                rest = text.finish()
                if rest:
                    yield rest
            finally:
                tokens.close()
                self._metrics.tokens(len(ids), len(completion.tokens))

    def _require(self, task: str) -> None:
        if self.identity.artifact.task != task:
            message = f"this model does {self.identity.artifact.task}, not {task}"
            raise ApiError(404, message, code="unsupported_endpoint")


def _busy(why: str) -> ApiError:
    return ApiError(429, f"the device is busy: {why}", code="rate_limit_exceeded", headers={"Retry-After": "5"})


@contextlib.contextmanager
def client_errors(parameter: str) -> Iterator[None]:
    """Refusals of a runtime as HTTP errors: 400 for what the client sent, 500 for what the device did."""
    try:
        yield
    except Refusal as refusal:
        ours = refusal.slug in ("runtime-failed", "runtime-missing", "artifact-invalid", "artifact-unloadable")
        raise ApiError(500 if ours else 400, refusal.message, code=refusal.slug, parameter=parameter) from None


def _base64(vector: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode("ascii")


def identity_of(folder: Path, artifact: Artifact, statement: Mapping[str, Any], target: str) -> Identity:
    """Who a release folder is, from its (verified at activation) statement."""
    predicate = statement["predicate"]
    return Identity(
        blueprint=str(predicate["blueprint"]),
        release=int(folder.name),
        version=str(predicate["version"]),
        target=target,
        artifact=artifact,
    )
