"""Prometheus metrics of the service, in the text format, with the standard library only.

Owns counters and their text. Must not measure anything itself.

Invariants: label values come from small closed sets (a path nobody serves counts as `other`), so a scanner cannot grow
the memory; every access holds one lock.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path

BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
STATUS = Path("/proc/self/status")


def memory_bytes() -> dict[str, int]:
    """Resident memory of this process now and at its peak, from /proc; empty where the kernel does not tell."""
    names = {"VmRSS": "resident", "VmHWM": "peak"}
    try:
        lines = STATUS.read_text("ascii", "replace").splitlines()
    except OSError:
        return {}
    found = {}
    for line in lines:
        name, _, value = line.partition(":")
        if name in names:
            found[names[name]] = int(value.split()[0]) * 1024
    return found


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _labels(labels: Mapping[str, str]) -> str:
    inner = ",".join(f'{name}="{_escape(value)}"' for name, value in labels.items())
    return f"{{{inner}}}" if inner else ""


class Metrics:
    """Counts of one service process."""

    def __init__(self, release: Mapping[str, str]) -> None:
        self._release = dict(release)
        self._lock = threading.Lock()
        self._requests: dict[tuple[str, int], int] = {}
        self._buckets: dict[str, list[int]] = {}
        self._seconds: dict[str, float] = {}
        self._tokens = {"prompt": 0, "completion": 0}
        self._first_token_seconds = [0.0, 0.0]
        self._in_flight = 0
        self._started = time.time()

    def begin(self) -> None:
        """A request for inference starts."""
        with self._lock:
            self._in_flight += 1

    def end(self) -> None:
        """A request for inference ended, however it ended."""
        with self._lock:
            self._in_flight -= 1

    def observe(self, endpoint: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        with self._lock:
            key = (endpoint, status)
            self._requests[key] = self._requests.get(key, 0) + 1
            counts = self._buckets.setdefault(endpoint, [0] * (len(BUCKETS_S) + 1))
            place = next((n for n, bound in enumerate(BUCKETS_S) if seconds <= bound), len(BUCKETS_S))
            counts[place] += 1
            self._seconds[endpoint] = self._seconds.get(endpoint, 0.0) + seconds

    def tokens(self, prompt: int, completion: int) -> None:
        """Count tokens read and written."""
        with self._lock:
            self._tokens["prompt"] += prompt
            self._tokens["completion"] += completion

    def first_token(self, seconds: float) -> None:
        """Note the time to a first token."""
        with self._lock:
            self._first_token_seconds[0] += 1
            self._first_token_seconds[1] += seconds

    def text(self) -> str:
        """Everything, in Prometheus' text format 0.0.4."""
        with self._lock:
            lines = [
                "# HELP edgewright_release_info The release this process serves.",
                "# TYPE edgewright_release_info gauge",
                f"edgewright_release_info{_labels(self._release)} 1",
                "# HELP edgewright_requests_total Requests answered, by endpoint and status.",
                "# TYPE edgewright_requests_total counter",
            ]
            for (endpoint, status), count in sorted(self._requests.items()):
                labels = _labels({"endpoint": endpoint, "code": str(status)})
                lines.append(f"edgewright_requests_total{labels} {count}")
            lines += self._histogram()
            lines += [
                "# HELP edgewright_tokens_total Tokens read (prompt) and written (completion).",
                "# TYPE edgewright_tokens_total counter",
                *(f'edgewright_tokens_total{{kind="{kind}"}} {count}' for kind, count in self._tokens.items()),
                "# HELP edgewright_first_token_seconds Time to the first token of chat answers.",
                "# TYPE edgewright_first_token_seconds summary",
                f"edgewright_first_token_seconds_count {self._first_token_seconds[0]:g}",
                f"edgewright_first_token_seconds_sum {self._first_token_seconds[1]:.6f}",
                "# HELP edgewright_in_flight Requests for inference that run or wait now.",
                "# TYPE edgewright_in_flight gauge",
                f"edgewright_in_flight {self._in_flight}",
                "# HELP edgewright_start_time_seconds When this process started, seconds since 1970.",
                "# TYPE edgewright_start_time_seconds gauge",
                f"edgewright_start_time_seconds {self._started:.3f}",
            ]
        for kind, size in memory_bytes().items():
            lines += [
                f"# HELP edgewright_memory_{kind}_bytes Resident memory of this process ({kind}).",
                f"# TYPE edgewright_memory_{kind}_bytes gauge",
                f"edgewright_memory_{kind}_bytes {size}",
            ]
        return "\n".join(lines) + "\n"

    def _histogram(self) -> list[str]:
        lines = [
            "# HELP edgewright_request_duration_seconds Time to answer, by endpoint.",
            "# TYPE edgewright_request_duration_seconds histogram",
        ]
        for endpoint, counts in sorted(self._buckets.items()):
            total = 0
            for bound, count in zip((*(f"{b:g}" for b in BUCKETS_S), "+Inf"), counts):  # noqa: B905  Python 3.9 has no strict
                total += count
                labels = _labels({"endpoint": endpoint, "le": bound})
                lines.append(f"edgewright_request_duration_seconds_bucket{labels} {total}")
            own = _labels({"endpoint": endpoint})
            lines.append(f"edgewright_request_duration_seconds_sum{own} {self._seconds[endpoint]:.6f}")
            lines.append(f"edgewright_request_duration_seconds_count{own} {total}")
        return lines
