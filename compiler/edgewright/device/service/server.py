"""The HTTP server: routes, limits, time-outs, draining.

Owns the sockets' side of the service. Must not know runtimes: it has a `Model`.

Invariants: a body has a declared and capped length; a connection has a time-out and their number is bounded; every
error is JSON in OpenAI's shape; the self-test answers only to this device itself; a stream that began ends with an
error event, never with silence.
"""

from __future__ import annotations

import http.server
import json
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from edgewright.device.artifact import EMBEDDINGS, GENERATION, read_vector
from edgewright.device.refusal import Refusal
from edgewright.device.service.api import BODY_CAP_BYTES, ApiError, parse_body, parse_chat, parse_embeddings
from edgewright.device.service.metrics import CONTENT_TYPE, Metrics, memory_bytes
from edgewright.device.service.model import Completion, Model
from edgewright.device.service.selftest import run_selftest

CONNECTION_TIMEOUT_S = 30.0
ANSWER_TIMEOUT_S = 300.0
MOST_CONNECTIONS = 64


class Server(http.server.ThreadingHTTPServer):
    """A threading server over a socket that somebody else opened, with a bounded number of connections."""

    daemon_threads = True
    block_on_close = False
    address_family = socket.AF_UNIX
    """Of the socket the library opens before it is replaced: the unit's sandbox allows no other family."""

    def __init__(self, listener: socket.socket, model: Model, metrics: Metrics) -> None:
        super().__init__(listener.getsockname()[:2], Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.model = model
        self.metrics = metrics
        self.is_draining = False
        self.selftest_turn = threading.Lock()
        self._connections = threading.Semaphore(MOST_CONNECTIONS)
        self._busy = 0
        self._idle = threading.Condition()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread for a connection, or refuse it when there are too many."""
        if not self._connections.acquire(blocking=False):
            self._refuse(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # no more threads
            self._connections.release()
            self.shutdown_request(request)

    def _refuse(self, request: socket.socket) -> None:
        body = json.dumps(ApiError(503, "too many connections", code="overloaded").as_json()).encode()
        head = f"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        try:
            request.settimeout(1.0)
            request.sendall(head.encode() + b"Retry-After: 5\r\nConnection: close\r\n\r\n" + body)
        except OSError:
            pass  # it is being refused either way
        self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Handle a connection, then give its place back."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._connections.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log what broke a request, unless only the client left."""
        error = sys.exc_info()[1]
        if not isinstance(error, (ConnectionError, TimeoutError, socket.timeout)):
            super().handle_error(request, client_address)

    def enter(self) -> None:
        """A request begins."""
        with self._idle:
            self._busy += 1

    def leave(self) -> None:
        """A request ended."""
        with self._idle:
            self._busy -= 1
            self._idle.notify_all()

    def drain(self, timeout_s: float) -> bool:
        """Take no more connections, wait for the requests that run; False when some are still running."""
        self.is_draining = True
        self.shutdown()
        self.server_close()
        deadline = time.monotonic() + timeout_s
        with self._idle:
            return self._idle.wait_for(lambda: self._busy == 0, max(0.0, deadline - time.monotonic()))


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "edgewright"
    sys_version = ""
    timeout = CONNECTION_TIMEOUT_S

    def do_GET(self) -> None:
        """Everything that is read."""
        self._answer(
            {
                "/healthz": self._healthz,
                "/readyz": self._readyz,
                "/metrics": self._metrics,
                "/v1/models": self._models,
                "/selftest": self._selftest,
            }
        )

    def do_POST(self) -> None:
        """Everything that is asked of the model."""
        self._answer({"/v1/embeddings": self._embeddings, "/v1/chat/completions": self._chat})

    def _answer(self, routes: Mapping[str, Callable[[], int]]) -> None:
        path = self.path.partition("?")[0]
        route, begin, status = routes.get(path), time.monotonic(), 500
        self.server.enter()
        try:
            if route is None:
                raise self._no_route(path)
            status = route()
        except ApiError as error:
            status = error.status
            self._send_json(status, error.as_json(), error.headers)
        except (ConnectionError, socket.timeout, TimeoutError):
            self.close_connection, status = True, 499
        except Exception as crash:  # noqa: BLE001
            # the connection's boundary: the client gets an error in the agreed shape, the log gets the traceback
            if not isinstance(crash, MemoryError):
                self.server.handle_error(self.request, self.client_address)
            self.close_connection = True
            self._send_json(500, ApiError(500, "the service failed on this request", code="internal_error").as_json())
        finally:
            self.server.metrics.observe(path if route is not None else "other", status, time.monotonic() - begin)
            self.server.leave()

    def _no_route(self, path: str) -> ApiError:
        known_to_other = path in ("/v1/embeddings", "/v1/chat/completions") or path in ("/healthz", "/v1/models")
        self.close_connection = True  # a body nobody read may follow
        if known_to_other:
            return ApiError(405, f"{self.command} is not allowed on {path[:80]}", code="method_not_allowed")
        return ApiError(404, f"{path[:80]!r} does not exist here", code="not_found")

    def _identity(self) -> dict[str, Any]:
        identity = self.server.model.identity
        return {
            "release": identity.release,
            "blueprint": identity.blueprint,
            "version": identity.version,
            "target": identity.target,
            "ready": self.server.model.is_ready and not self.server.is_draining,
        }

    def _healthz(self) -> int:
        return self._send_json(200, {"status": "ok", **self._identity()})

    def _readyz(self) -> int:
        identity = self._identity()
        return self._send_json(
            200 if identity["ready"] else 503, {"status": "ok" if identity["ready"] else "starting", **identity}
        )

    def _metrics(self) -> int:
        return self._send(200, self.server.metrics.text().encode("utf-8"), CONTENT_TYPE)

    def _models(self) -> int:
        identity = self.server.model.identity
        entry = {"id": identity.blueprint, "object": "model", "created": 0, "owned_by": "edgewright"}
        return self._send_json(200, {"object": "list", "data": [entry]})

    def _selftest(self) -> int:
        own, peer = self.connection.getsockname()[0], self.client_address[0]
        if peer != own and peer not in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
            raise ApiError(403, "the self-test answers only to this device", code="forbidden")
        if not self.server.selftest_turn.acquire(blocking=False):
            raise ApiError(429, "a self-test is running", code="rate_limit_exceeded", headers={"Retry-After": "10"})
        try:
            model = self.server.model
            with model.exclusive() as runtime:
                try:
                    result = run_selftest(runtime, read_vector(model.identity.artifact.folder))
                except Refusal as refusal:
                    result = {"vector": {"ok": False, "message": refusal.message}, "measurements": {}}
            memory = memory_bytes()
            return self._send_json(
                200,
                {
                    **self._identity(),
                    **result,
                    "threads": model.threads,
                    "load_seconds": model.load_seconds,
                    "memory_resident_bytes": memory.get("resident"),
                },
            )
        finally:
            self.server.selftest_turn.release()

    def _body(self) -> dict[str, Any]:
        """The JSON body; its length is known before its first byte is read."""
        if self.headers.get("Transfer-Encoding") is not None:
            self.close_connection = True
            raise ApiError(411, "a body needs Content-Length, chunked bodies are not read", code="length_required")
        declared = self.headers.get("Content-Length") or ""
        if not declared.isascii() or not declared.isdigit():
            self.close_connection = True
            raise ApiError(411, "a body needs Content-Length", code="length_required")
        length = int(declared) if len(declared) < 20 else BODY_CAP_BYTES + 1
        if length > BODY_CAP_BYTES:
            self.close_connection = True
            raise ApiError(
                413, f"the body has {declared[:20]} bytes, {BODY_CAP_BYTES} are allowed", code="body_too_large"
            )
        content = self.rfile.read(length)
        if len(content) != length:
            self.close_connection = True
            raise ApiError(400, f"the body ended after {len(content)} of {length} bytes", code="body_incomplete")
        return parse_body(content)

    def _embeddings(self) -> int:
        body = self._body()
        self._refuse_task(EMBEDDINGS)
        request = parse_embeddings(body)
        self.server.model.check_model(request.model)
        return self._send_json(200, self.server.model.embeddings(request))

    def _refuse_task(self, task: str) -> None:
        found = self.server.model.identity.artifact.task
        if found != task:
            raise ApiError(404, f"this model does {found}, not {task}", code="unsupported_endpoint")

    def _chat(self) -> int:
        body = self._body()
        self._refuse_task(GENERATION)
        request = parse_chat(body)
        model = self.server.model
        model.check_model(request.model)
        ids, max_tokens = model.prompt(request)
        completion = Completion(prompt_tokens=len(ids))
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        pieces = model.chat(request, ids, max_tokens, completion, deadline)
        shared = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()), "model": request.model}
        if request.stream:
            return self._stream(pieces, completion, shared, request.include_usage)
        content = "".join(pieces)
        message = {"role": "assistant", "content": content}
        choice = {"index": 0, "message": message, "finish_reason": completion.finish_reason, "logprobs": None}
        return self._send_json(
            200, {**shared, "object": "chat.completion", "choices": [choice], "usage": _usage(completion)}
        )

    def _stream(self, pieces: Iterator[str], completion: Completion, shared: dict[str, Any], with_usage: bool) -> int:
        """Server-sent events. The first piece is made before the header, so that what fails at once has a status."""
        first = next(pieces, "")
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        head = {**shared, "object": "chat.completion.chunk"}

        def event(delta: Mapping[str, Any], reason: str | None) -> None:
            choice = {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}
            self._event({**head, "choices": [choice]})

        try:
            event({"role": "assistant", "content": first}, None)
            for piece in pieces:
                event({"content": piece}, None)
            event({}, completion.finish_reason)
            if with_usage:
                self._event({**head, "choices": [], "usage": _usage(completion)})
        except ApiError as error:
            self._event(error.as_json())
        finally:
            pieces.close()  # type: ignore[attr-defined]  # a generator: a client that left ends the work
        self.wfile.write(b"data: [DONE]\n\n")
        return 200

    def _event(self, document: Mapping[str, Any]) -> None:
        self.wfile.write(b"data: " + json.dumps(document, ensure_ascii=False).encode("utf-8") + b"\n\n")
        self.wfile.flush()

    def _send_json(self, status: int, document: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> int:
        body = json.dumps(document, ensure_ascii=False, allow_nan=False).encode("utf-8")
        return self._send(status, body, "application/json", headers)

    def _send(self, status: int, body: bytes, content_type: str, headers: Mapping[str, str] | None = None) -> int:
        try:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            if self.server.is_draining:
                self.close_connection = True
            if self.close_connection:
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)
        except (ConnectionError, socket.timeout):
            self.close_connection = True
        return status

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's name
        """Requests are counted, not logged: a log would hold who asked what."""


def _usage(completion: Completion) -> dict[str, int]:
    written = len(completion.tokens)
    return {
        "prompt_tokens": completion.prompt_tokens,
        "completion_tokens": written,
        "total_tokens": completion.prompt_tokens + written,
    }
