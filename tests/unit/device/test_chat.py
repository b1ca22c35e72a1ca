"""/v1/chat/completions over a real server and socket; only the framework below the runtime API is simulated."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from edgewright.device.artifact import GENERATION, Artifact
from edgewright.device.refusal import Refusal
from edgewright.device.runtimes.base import GenerationRuntime, check_ids
from edgewright.device.service.metrics import Metrics
from edgewright.device.service.model import Identity, Model
from edgewright.device.service.server import Server

ANSWER = "Paris — the capital. Ask me more!"


class Letters:
    """A model over bytes that always answers the same; it waits for `gate` before its second token."""

    task = GENERATION
    vocab_size = 256
    context = 200
    eos_token_ids = (0,)

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.is_closed = threading.Event()
        self.asked: list[dict[str, Any]] = []

    def encode(self, text: str) -> list[int]:
        return list(text.encode())

    def render_chat(self, messages: Sequence[Mapping[str, str]]) -> str:
        if messages[0]["role"] == "tool":
            raise Refusal("chat-template-refused", "the chat template refuses these messages: no tools")
        return "".join(f"{message['role']}:{message['content']}\n" for message in messages)

    def encode_chat(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        return self.encode(self.render_chat(messages))

    def generate(
        self,
        ids: Sequence[int],
        max_tokens: int,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int | None = None,
        ignore_eos: bool = False,
    ) -> Iterator[int]:
        check_ids(ids, self.vocab_size, self.context)
        self.asked.append({"max_tokens": max_tokens, "temperature": temperature, "top_p": top_p, "seed": seed})
        return self._tokens(max_tokens)

    def _tokens(self, max_tokens: int) -> Iterator[int]:
        self.is_closed.clear()
        try:
            for place, token in enumerate(ANSWER.encode()[:max_tokens]):
                if place == 1:
                    assert self.gate.wait(20)
                yield token
        finally:
            self.is_closed.set()

    def next_logits(self, ids: Sequence[int]) -> Sequence[float]:
        raise NotImplementedError

    def logits(self, ids: Sequence[int]) -> Any:
        raise NotImplementedError

    def decode(self, ids: Sequence[int]) -> str:
        return bytes(ids).decode("utf-8", "replace")

    def close(self) -> None:
        self.gate.set()


class Client:
    """A served model and how to ask it."""

    def __init__(self, runtime: Letters) -> None:
        self.runtime = runtime
        artifact = Artifact(
            folder=Path("/nowhere"),
            backend="simulated",
            task=GENERATION,
            runtime="simulated",
            architecture="x86_64",
            recipe={},
            vocab_size=256,
            dimension=None,
            longest=200,
            sequence_lengths=(),
            eos_token_ids=(0,),
            bos_token_id=None,
            pad_token_id=0,
            threads_default=1,
        )
        identity = Identity("assistant", 7, "0.0.7", "test", artifact)
        self.metrics = Metrics(identity.labels())
        self.model = Model(identity, self.metrics, 1, loader=lambda _artifact, _threads: runtime)
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self.server = Server(listener, self.model, self.metrics)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    @contextlib.contextmanager
    def open(self, **body: Any) -> Iterator[http.client.HTTPResponse]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        request = {"model": "assistant", "messages": [{"role": "user", "content": "hi"}], **body}
        connection.request("POST", "/v1/chat/completions", json.dumps(request))
        with contextlib.closing(connection), connection.getresponse() as response:
            yield response

    def ask(self, **body: Any) -> tuple[int, Any]:
        with self.open(**body) as response:
            return response.status, json.loads(response.read())

    def stream(self, **body: Any) -> list[Any]:
        with self.open(stream=True, **body) as response:
            assert response.headers["Content-Type"].startswith("text/event-stream")
            lines = response.read().decode().split("\n\n")
        assert lines[-2:] == ["data: [DONE]", ""]
        return [json.loads(line.removeprefix("data: ")) for line in lines[:-2]]


@pytest.fixture
def client() -> Iterator[Client]:
    client = Client(Letters())
    client.model.load()
    yield client
    client.runtime.close()
    assert client.server.drain(10)
    client.thread.join(10)


def test_the_simulated_model_has_the_whole_api() -> None:
    assert isinstance(Letters(), GenerationRuntime)


def test_an_answer_with_its_usage(client: Client) -> None:
    status, answer = client.ask()
    assert status == 200
    assert answer["object"] == "chat.completion"
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": ANSWER}
    assert answer["choices"][0]["finish_reason"] == "stop"
    written = len(ANSWER.encode())
    assert answer["usage"] == {"prompt_tokens": 8, "completion_tokens": written, "total_tokens": 8 + written}
    assert client.runtime.asked == [{"max_tokens": 192, "temperature": 0.0, "top_p": 1.0, "seed": None}]


def test_a_stream_has_the_same_text_and_whole_characters(client: Client) -> None:
    events = client.stream(stream_options={"include_usage": True})
    assert events[0]["choices"][0]["delta"]["role"] == "assistant"
    text = "".join(event["choices"][0]["delta"].get("content", "") for event in events if event["choices"])
    assert text == ANSWER
    assert "\ufffd" not in text
    assert events[-2]["choices"][0]["finish_reason"] == "stop"
    assert events[-1]["usage"]["completion_tokens"] == len(ANSWER.encode())
    assert len({event["id"] for event in events}) == 1


def test_max_tokens_and_stop_words_end_the_answer(client: Client) -> None:
    _, answer = client.ask(max_tokens=5)
    assert (answer["choices"][0]["message"]["content"], answer["choices"][0]["finish_reason"]) == ("Paris", "length")
    _, answer = client.ask(stop=[" cap"])
    assert (answer["choices"][0]["message"]["content"], answer["choices"][0]["finish_reason"]) == (
        "Paris — the",
        "stop",
    )
    assert client.runtime.is_closed.is_set()
    assert "".join(e["choices"][0]["delta"].get("content", "") for e in client.stream(stop="the")) == "Paris — "


def test_sampling_reaches_the_runtime(client: Client) -> None:
    client.ask(temperature=0.7, top_p=0.9, seed=3, max_completion_tokens=2)
    assert client.runtime.asked == [{"max_tokens": 2, "temperature": 0.7, "top_p": 0.9, "seed": 3}]


def test_a_conversation_that_does_not_fit_is_an_error_with_numbers(client: Client) -> None:
    status, answer = client.ask(messages=[{"role": "user", "content": "x" * 300}])
    assert (status, answer["error"]["code"]) == (400, "context_length_exceeded")
    assert "306 tokens" in answer["error"]["message"]
    status, answer = client.ask(max_tokens=193)
    assert (status, answer["error"]["param"]) == (400, "messages")


def test_what_the_template_refuses_is_the_clients_error(client: Client) -> None:
    status, answer = client.ask(messages=[{"role": "tool", "content": "x"}])
    assert (status, answer["error"]["code"]) == (400, "chat-template-refused")


def test_a_client_that_leaves_ends_the_work(client: Client) -> None:
    client.runtime.gate.clear()
    with client.open(stream=True) as response:
        assert response.readline().startswith(b"data: ")
    client.runtime.gate.set()
    assert client.runtime.is_closed.wait(10)
    assert client.ask()[0] == 200


def test_a_full_queue_is_told_so_at_once(client: Client) -> None:
    client.runtime.gate.clear()
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda: statuses.append(client.ask()[0])) for _ in range(20)]
    for thread in threads:
        thread.start()
    deadline = threading.Event()
    while len(statuses) < 4 and not deadline.wait(0.02):
        pass
    assert statuses == [429] * 4
    client.runtime.gate.set()
    for thread in threads:
        thread.join(20)
    assert sorted(statuses) == [200] * 16 + [429] * 4


def test_before_the_model_is_loaded_the_service_lives_and_is_not_ready() -> None:
    client = Client(Letters())
    try:
        status, answer = client.ask()
        assert (status, answer["error"]["code"]) == (503, "not_ready")
        for path, expected in (("/healthz", 200), ("/readyz", 503)):
            connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=10)
            with contextlib.closing(connection):
                connection.request("GET", path)
                with connection.getresponse() as response:
                    assert response.status == expected
    finally:
        client.server.drain(5)
        client.thread.join(5)


def test_a_running_stream_is_finished_while_draining(client: Client) -> None:
    client.runtime.gate.clear()
    drained: list[bool] = []
    draining = threading.Thread(target=lambda: drained.append(client.server.drain(10)))
    with client.open(stream=True) as response:
        first = response.readline()
        draining.start()
        client.runtime.gate.set()
        rest = response.read()
    draining.join(20)
    assert b"Par" in first + rest or b'"content": "P"' in first
    assert rest.endswith(b"data: [DONE]\n\n")
    assert drained == [True]
