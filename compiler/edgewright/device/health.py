"""Asking the running service whether the release does what was promised.

Owns the questions (`/healthz`, `/readyz`, `/selftest`) and the verdicts over the answers. Must not load a model itself:
memory and latency belong to the process that serves.

Invariants: the service must say which release it serves, so an old process never vouches for a new release; a gate
whose metric was not measured is red.
"""

from __future__ import annotations

import http.client
import json
import math
import select
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from edgewright.device.layout import Layout
from edgewright.device.options import Gate, Options
from edgewright.device.refusal import Refusal, Unhealthy

ANSWER_CAP_BYTES = 2**20
POLL_S = 0.2
MOST_FAILED_STARTS = 3
SELFTEST_TIMEOUT_S = 240.0

SLUGS = {
    "latency_median": "latency-exceeded",
    "latency_p95": "latency-exceeded",
    "peak_memory": "memory-exceeded",
    "decode_rate": "decode-rate-missed",
}
UNITS = {"latency_median": "s", "latency_p95": "s", "peak_memory": "bytes", "decode_rate": "tokens/s"}


@dataclass(frozen=True)
class Answer:
    """An HTTP answer of the service."""

    status: int
    document: Mapping[str, Any]


def local_host(host: str) -> str:
    """The address by which this device reaches a service listening on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  compared here, not bound


def ask(options: Options, path: str, timeout_s: float) -> Answer | None:
    """One GET; None when nobody answers, or answers something else than small JSON."""
    connection = http.client.HTTPConnection(local_host(options.host), options.port, timeout=timeout_s)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        content = response.read(ANSWER_CAP_BYTES + 1)
        document = json.loads(content) if len(content) <= ANSWER_CAP_BYTES else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return Answer(response.status, document) if isinstance(document, dict) else None


def running_release(options: Options, timeout_s: float = 5.0) -> int | None:
    """Which release the service says it serves, None when it does not answer that it is well."""
    answer = ask(options, "/healthz", timeout_s)
    if answer is None or answer.status != 200:
        return None
    release = answer.document.get("release")
    return release if isinstance(release, int) else None


def await_ready(options: Options, release: int, wait_s: float, failed_starts: Callable[[], int]) -> None:
    """Until the service is ready with this release; refuses `service-unhealthy` after `wait_s`, or as soon as it ended
    `MOST_FAILED_STARTS` times before it was ready: what cannot start is not waited for."""
    deadline = time.monotonic() + wait_s
    said = "nothing answers"
    while True:
        answer = ask(options, "/readyz", min(5.0, max(0.5, wait_s)))
        if answer is not None:
            if answer.status == 200 and answer.document.get("release") == release:
                return
            said = f"it answers {answer.status} for release {answer.document.get('release')!r:.20}"
        failed = failed_starts()
        if failed >= MOST_FAILED_STARTS:
            raise Unhealthy(
                "service-unhealthy",
                f"the service of release {release} ended {failed} times before it was ready",
                hint="see its log: run/service.log, or journalctl of its unit",
            )
        if time.monotonic() >= deadline:
            raise Unhealthy(
                "service-unhealthy",
                f"the service was not ready with release {release} within {wait_s:g} s: {said}",
                hint="see its log: run/service.log, or journalctl of its unit",
            )
        select.select([], [], [], POLL_S)


def judge(gates: tuple[Gate, ...], measurements: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A verdict for every gate: pass, fail or inconclusive, with the number. Pure."""
    return [_judge_one(gate, measurements.get(gate.metric)) for gate in gates]


def _judge_one(gate: Gate, measurement: Any) -> dict[str, Any]:
    value = measurement.get("value") if isinstance(measurement, Mapping) else None
    verdict: dict[str, Any] = {"metric": gate.metric, "max": gate.maximum, "min": gate.minimum, "value": value}
    if isinstance(value, bool) or not isinstance(value, (int, float)) or math.isnan(value):
        verdict["verdict"] = "inconclusive"
    elif (gate.maximum is not None and value > gate.maximum) or (gate.minimum is not None and value < gate.minimum):
        verdict["verdict"] = "fail"
    else:
        verdict["verdict"] = "pass"
    return verdict


def refusal_of(verdicts: list[dict[str, Any]]) -> Unhealthy | None:
    """The first red gate as a refusal, None when all are green."""
    for verdict in verdicts:
        metric, unit = verdict["metric"], UNITS.get(verdict["metric"], "")
        if verdict["verdict"] == "inconclusive":
            return Unhealthy("gate-inconclusive", f"{metric} was not measured on this device, so its gate is red")
        if verdict["verdict"] == "fail":
            bound = (
                f"{verdict['max']:g} is" if verdict["max"] is not None and verdict["value"] > verdict["max"] else None
            )
            bound = bound or f"at least {verdict['min']:g} is"
            return Unhealthy(
                SLUGS.get(metric, "gate-missed"),
                f"{metric} is {verdict['value']:.6g} {unit}, {bound} allowed".replace(" ,", ","),
                hint="a slower or smaller device than the gate was written for, or another load on it",
            )
    return None


def check_health(
    layout: Layout, options: Options, release: int, wait_s: float, failed_starts: Callable[[], int]
) -> tuple[dict[str, Any], Refusal | None]:
    """The report of a self-test through the running service, and why it is not healthy (None: it is)."""
    if layout.current_release() != release:
        return {}, Unhealthy("service-unhealthy", f"release {release} is not current on this device")
    report: dict[str, Any] = {"release": release, "vector": None, "measurements": {}, "gates": []}
    try:
        await_ready(options, release, wait_s, failed_starts)
    except Unhealthy as refusal:
        return report, refusal
    answer = ask(options, "/selftest", SELFTEST_TIMEOUT_S)
    if answer is None or answer.status != 200:
        status = "no answer" if answer is None else str(answer.status)
        detail = "" if answer is None else str((answer.document.get("error") or {}).get("message", ""))[:300]
        return report, Unhealthy("service-unhealthy", f"the self-test did not run: {status} {detail}".rstrip())
    document = answer.document
    report["vector"] = document.get("vector")
    report["measurements"] = document.get("measurements") or {}
    report["gates"] = judge(options.gates, report["measurements"])
    if document.get("release") != release:
        return report, Unhealthy("service-unhealthy", f"the self-test ran on release {document.get('release')!r:.20}")
    vector = document.get("vector") or {}
    if vector.get("ok") is not True:
        message = str(vector.get("message") or "the self-test gave no result for it")[:400]
        return report, Unhealthy("vector-mismatch", f"the test vector is not reproduced on this device: {message}")
    return report, refusal_of(report["gates"])
