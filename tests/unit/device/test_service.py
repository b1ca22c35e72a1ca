"""The HTTP service: a real process over a real library, asked like a client would, and like an attacker."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.device_release import (
    Signer,
    TestDevice,
    build_release,
    children_of,
    expected,
    is_alive,
    until,
)


@pytest.fixture(scope="module")
def served(parts: Path, signer: Signer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestDevice]:
    """One device with a confirmed release, for all questions of this module."""
    folder = tmp_path_factory.mktemp("served")
    device = TestDevice(folder / "root", parts / "edgewright-agent.pyz", signer).prepare()
    device.roll_out(build_release(folder / "release", signer, parts / "good", version="1.4.0", agent=device.agent))
    yield device
    device.stop()


def _embed(device: TestDevice, **body: Any) -> tuple[int, Any]:
    return device.http("/v1/embeddings", {"model": "demo", **body})


def test_health_readiness_and_models_name_the_release(served: TestDevice) -> None:
    for path in ("/healthz", "/readyz"):
        status, answer = served.http(path)
        assert (status, answer["release"], answer["version"], answer["ready"]) == (200, 1004000, "1.4.0", True)
    assert served.http("/v1/models")[1]["data"][0]["id"] == "demo"


def test_embeddings_of_ids_in_every_accepted_form(served: TestDevice) -> None:
    status, answer = _embed(served, input=[[1, 2], [3]])
    assert status == 200
    assert [entry["embedding"] for entry in answer["data"]] == [
        pytest.approx(expected([1, 2])),
        pytest.approx(expected([3])),
    ]
    assert answer["usage"] == {"prompt_tokens": 3, "total_tokens": 3}
    packed = _embed(served, input=[1, 2], encoding_format="base64")[1]["data"][0]["embedding"]
    assert list(struct.unpack("<4f", base64.b64decode(packed))) == pytest.approx(expected([1, 2]))


@pytest.mark.parametrize("length", [1, 8, 9, 16, 17, 128])
def test_every_length_up_to_the_largest_is_right(served: TestDevice, length: int) -> None:
    ids = [(n * 5) % 50 for n in range(length)]
    assert _embed(served, input=ids)[1]["data"][0]["embedding"] == pytest.approx(expected(ids))


def test_a_longer_text_is_an_error_with_numbers_unless_truncation_is_asked_for(served: TestDevice) -> None:
    status, answer = _embed(served, input=[1] * 129)
    assert (status, answer["error"]["code"]) == (400, "context_length_exceeded")
    assert "129 tokens" in answer["error"]["message"]
    assert "128" in answer["error"]["message"]
    status, answer = _embed(served, input=[1] * 500, truncate=True)
    assert (status, answer["usage"]["prompt_tokens"]) == (200, 128)


BAD_BODIES: list[tuple[Any, str]] = [
    ({"input": [1]}, "invalid_type"),
    ({"model": "gpt-5", "input": [1]}, "model_not_found"),
    ({"model": "demo"}, "invalid_type"),
    ({"model": "demo", "input": []}, "invalid_type"),
    ({"model": "demo", "input": [[]]}, "input-empty"),
    ({"model": "demo", "input": [[1], 2.5]}, "invalid_type"),
    ({"model": "demo", "input": [True]}, "invalid_type"),
    ({"model": "demo", "input": [50]}, "token-id-invalid"),
    ({"model": "demo", "input": [-1]}, "token-id-invalid"),
    ({"model": "demo", "input": [2**63]}, "token-id-invalid"),
    ({"model": "demo", "input": ["x"] * 257}, "invalid_value"),
    ({"model": "demo", "input": [1], "encoding_format": "hex"}, "invalid_value"),
    ({"model": "demo", "input": [1], "dimensions": 3}, "invalid_value"),
    ({"model": "demo", "input": [1], "truncate": "yes"}, "invalid_type"),
    ([1, 2], "invalid_json"),
    ("text", "invalid_json"),
]


@pytest.mark.parametrize(("body", "code"), BAD_BODIES)
def test_a_wrong_request_is_an_error_in_the_agreed_shape(served: TestDevice, body: Any, code: str) -> None:
    status, answer = served.http("/v1/embeddings", body)
    assert status in (400, 404)
    assert answer["error"]["code"] == code
    assert answer["error"]["type"] == "invalid_request_error"
    assert answer["error"]["message"]


def test_a_body_that_is_no_json_is_an_error(served: TestDevice) -> None:
    for raw in (b"{", b"\xff\xfe", b"[" * 100_000, b""):
        status, answer = served.http("/v1/embeddings", raw=raw)
        assert (status, answer["error"]["code"]) == (400, "invalid_json")


def test_text_without_a_tokenizer_says_what_is_missing(served: TestDevice) -> None:
    status, answer = _embed(served, input="hello")
    assert (status, answer["error"]["code"]) == (500, "runtime-missing")


def test_another_task_or_method_or_path_is_an_error(served: TestDevice) -> None:
    assert served.http("/v1/chat/completions", {"model": "demo", "messages": []})[0] == 404
    assert served.http("/v1/embeddings")[0] == 405
    assert served.http("/admin")[0] == 404
    assert served.http("/../../etc/passwd")[0] == 404


def _raw(device: TestDevice, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", device.port), timeout=10) as connection:
        connection.sendall(request)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return answer


def test_a_body_needs_a_length_that_is_small(served: TestDevice) -> None:
    head = b"POST /v1/embeddings HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    assert b" 411 " in _raw(served, head + b"\r\n")
    assert b" 411 " in _raw(served, head + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    assert b" 413 " in _raw(served, head + b"Content-Length: 99999999999\r\n\r\n")
    assert b" 413 " in _raw(served, head + b"Content-Length: " + b"9" * 500 + b"\r\n\r\n")
    assert b" 411 " in _raw(served, head + b"Content-Length: -5\r\n\r\n")


def test_metrics_count_requests_tokens_and_the_release(served: TestDevice) -> None:
    _embed(served, input=[1, 2, 3])
    served.http("/nobody-knows-this")
    text = served.http("/metrics")[1]
    labels = 'blueprint="demo",release="1004000",version="1.4.0",target="test-target",backend="tvm"'
    assert f"edgewright_release_info{{{labels}}} 1" in text
    assert 'edgewright_requests_total{endpoint="/v1/embeddings",code="200"}' in text
    assert 'edgewright_requests_total{endpoint="other",code="404"}' in text
    assert "nobody-knows-this" not in text
    assert 'edgewright_request_duration_seconds_bucket{endpoint="/v1/embeddings",le="+Inf"}' in text
    assert "edgewright_memory_peak_bytes " in text


def test_metrics_are_prometheus_text(served: TestDevice) -> None:
    """Every line is a comment or a sample; every histogram only grows."""
    previous: dict[str, float] = {}
    for line in served.http("/metrics")[1].splitlines():
        if line.startswith("#"):
            continue
        name, _, value = line.rpartition(" ")
        assert name[0].isalpha()
        number = float(value)
        if "_bucket{" in name:
            series = name.partition(",le=")[0]
            assert number >= previous.get(series, 0)
            previous[series] = number


def test_the_selftest_reports_vector_latency_and_memory(served: TestDevice) -> None:
    status, answer = served.http("/selftest")
    assert status == 200
    assert answer["vector"]["ok"] is True
    assert answer["release"] == 1004000
    assert answer["measurements"]["latency_p95"]["value"] >= answer["measurements"]["latency_median"]["value"] > 0


def test_many_clients_at_once_are_all_answered_or_told_to_wait(served: TestDevice) -> None:
    statuses: list[int] = []

    def ask() -> None:
        statuses.append(_embed(served, input=[[1, 2, 3]] * 50)[0])

    threads = [threading.Thread(target=ask) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(statuses) == 40
    assert set(statuses) <= {200, 429, 503}
    assert statuses.count(200) >= 16


def test_a_slow_client_does_not_hold_the_service(served: TestDevice) -> None:
    with socket.create_connection(("127.0.0.1", served.port)) as slow:
        slow.sendall(b"POST /v1/embeddings HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
        assert _embed(served, input=[1])[0] == 200


def test_sigterm_lets_a_running_request_finish(parts: Path, signer: Signer, tmp_path: Path) -> None:
    device = TestDevice(tmp_path / "root", parts / "edgewright-agent.pyz", signer).prepare()
    device.roll_out(build_release(tmp_path / "release", signer, parts / "slow"))
    answers: list[int] = []
    asking = threading.Thread(target=lambda: answers.append(_embed(device, input=[[1]] * 20)[0]))
    supervisor = device.supervisor_pid()
    assert supervisor is not None
    child = children_of(supervisor)[0]
    try:
        asking.start()
        until(lambda: "edgewright_in_flight 1" in device.http("/metrics")[1], 10, "the request runs")
        os.kill(child, signal.SIGTERM)
        asking.join(20)
        assert answers == [200]
        until(lambda: not is_alive(child), 20, "the old process ended")
        until(lambda: device.run("observe")["service"]["up"], 20, "a new process serves")
    finally:
        device.stop()


def test_a_restart_refuses_no_connection(served: TestDevice) -> None:
    """The supervisor keeps the socket: clients wait while the process changes."""
    supervisor = served.supervisor_pid()
    assert supervisor is not None
    os.kill(supervisor, signal.SIGHUP)
    end = time.monotonic() + 2
    while time.monotonic() < end:
        status, answer = _embed(served, input=[1])
        assert status in (200, 503), answer
    until(lambda: served.http("/readyz")[0] == 200, 10, "ready again")


def test_requests_are_not_logged(served: TestDevice) -> None:
    _embed(served, input=[7, 7, 7])
    assert "POST" not in (served.root / "run" / "service.log").read_text()
    assert json.loads((served.root / "state.json").read_text())["schema"] == 1
