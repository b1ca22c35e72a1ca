"""The self-test: does this process, on this device, reproduce the artifact's test vector, how fast, in how much memory.

Owns the comparison and the timing. Works on any runtime of `runtimes.base`, so evaluation workers may call it as well.
Must not know HTTP or gates.

Invariants: times are wall-clock seconds of single calls with the threads the service uses, first calls excluded; what
was not measured is absent.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

from edgewright.device.artifact import EMBEDDINGS
from edgewright.device.refusal import Refusal
from edgewright.device.service.metrics import memory_bytes

LATENCY_LENGTH = 128
"""Tokens of an embedding whose latency counts, and of the prompt whose first token counts."""
DECODE_TOKENS = 32
MOST_ROUNDS, FEWEST_ROUNDS = 30, 3
BUDGET_S = 2.0
DEFAULT_MAX_ABS = 1e-3
DEFAULT_LOGIT_TOLERANCE = 0.05


def run_selftest(runtime: Any, vector: Mapping[str, Any], budget_s: float = BUDGET_S) -> dict[str, Any]:
    """{"vector": {"ok", "message", ...}, "measurements": {metric: {"value", "unit", "n"}}}."""
    is_embedding = runtime.task == EMBEDDINGS
    try:
        check = check_embedding(runtime, vector) if is_embedding else check_generation(runtime, vector)
    except Refusal as refusal:
        check = {"ok": False, "message": f"{refusal.slug}: {refusal.message}"}
    except (KeyError, TypeError, ValueError) as error:
        check = {"ok": False, "message": f"test_vector.json is malformed: {type(error).__name__} {error}"}
    measurements: dict[str, Any] = {}
    if check["ok"]:
        timing = time_embedding if is_embedding else time_generation
        measurements = timing(runtime, [int(token) for token in vector["input_ids"]], budget_s)
    peak = memory_bytes().get("peak")
    if peak is not None:
        measurements["peak_memory"] = {"value": float(peak), "unit": "bytes", "n": 1}
    return {"vector": check, "measurements": measurements}


def _tokenizer_agrees(runtime: Any, vector: Mapping[str, Any], ids: Sequence[int]) -> str | None:
    """None when the device's tokenizer gives the vector's ids; without a tokenizer only ids are checked.

    A text with more tokens than the artifact takes was cut when the vector was made; it is cut here the same way."""
    try:
        if vector.get("messages"):
            found = runtime.encode_chat(vector["messages"])
        elif isinstance(vector.get("prompt") or vector.get("text"), str):
            text = vector.get("prompt") or vector["text"]
            found = runtime.encode(text, runtime.max_length) if runtime.task == EMBEDDINGS else runtime.encode(text)
        else:
            return None
    except Refusal as refusal:
        if refusal.slug == "runtime-missing":
            return None
        return f"tokenizing it: {refusal.message}"
    if list(found) == list(ids):
        return None
    return f"its text gives {len(found)} token ids {found[:6]}..., expected {len(ids)}: {list(ids[:6])}..."


def read_tolerance(vector: Mapping[str, Any], default_max_abs: float) -> tuple[float | None, float | None]:
    """(largest absolute difference, smallest cosine) that the vector allows; what it does not say is not checked.

    Written as `{"tolerance": {"max_abs": 0.001}}`, `{"tolerance": {"min_cosine": 0.99}}`, or both."""
    stated = vector.get("tolerance")
    if stated is None:
        return default_max_abs, None
    if not isinstance(stated, Mapping) or not stated or not set(stated) <= {"max_abs", "min_cosine"}:
        raise ValueError("its tolerance is not an object with max_abs or min_cosine")
    max_abs, min_cosine = stated.get("max_abs"), stated.get("min_cosine")
    return None if max_abs is None else float(max_abs), None if min_cosine is None else float(min_cosine)


def _cosine(a: Sequence[float], b: Sequence[float]) -> float:
    norm = math.sqrt(sum(x * x for x in a)) * math.sqrt(sum(x * x for x in b))
    return sum(x * y for x, y in zip(a, b)) / norm if norm > 0 else 0.0  # noqa: B905  Python 3.9 has no strict


def check_embedding(runtime: Any, vector: Mapping[str, Any]) -> dict[str, Any]:
    """This device's embedding against the stored one: largest absolute difference and cosine."""
    ids = [int(token) for token in vector["input_ids"]]
    expected = [float(value) for value in vector["embedding"]]
    max_abs, min_cosine = read_tolerance(vector, DEFAULT_MAX_ABS)
    found = runtime.embed(ids, [int(value) for value in vector["attention_mask"]])
    if len(found) != len(expected):
        return {"ok": False, "message": f"the embedding has {len(found)} numbers, the vector has {len(expected)}"}
    if not all(math.isfinite(value) for value in found):
        return {"ok": False, "message": "the embedding has numbers that are not finite"}
    difference = max(abs(a - b) for a, b in zip(found, expected))  # noqa: B905  Python 3.9 has no strict
    cosine = _cosine(found, expected)
    result: dict[str, Any] = {"ok": False, "message": None, "max_abs": difference, "cosine": cosine}
    result["allowed"] = {"max_abs": max_abs, "min_cosine": min_cosine}
    if max_abs is not None and difference > max_abs:
        return {**result, "message": f"the embedding differs by {difference:.6g}, {max_abs:g} is allowed"}
    if min_cosine is not None and cosine < min_cosine:
        return {**result, "message": f"the embedding has cosine {cosine:.6g}, at least {min_cosine:g} is allowed"}
    complaint = _tokenizer_agrees(runtime, vector, ids)
    return {**result, "ok": complaint is None, "message": complaint}


def check_generation(runtime: Any, vector: Mapping[str, Any]) -> dict[str, Any]:
    """The logits of the first step within tolerance, and the same greedy tokens.

    Another CPU may break a near tie the other way: a different token is accepted where this device's own logits put
    the two within twice the tolerance, and the comparison ends there, because the texts have parted."""
    ids = [int(token) for token in vector["input_ids"]]
    expected = [int(token) for token in vector["token_ids"]]
    tolerance = read_tolerance(vector, DEFAULT_LOGIT_TOLERANCE)[0]
    if tolerance is None:
        raise ValueError("its tolerance has no max_abs")
    first = runtime.next_logits(ids)
    pairs = [(int(token), float(logit)) for token, logit in vector.get("logits_top") or []]
    difference = max((abs(float(first[token]) - logit) for token, logit in pairs), default=0.0)
    result: dict[str, Any] = {"ok": False, "allowed": tolerance, "max_abs": difference, "message": None}
    if not difference <= tolerance:
        result["message"] = f"a logit of the first step differs by {difference:.6g}, {tolerance:g} is allowed"
        return result
    found = list(runtime.generate(ids, len(expected)))
    result["tokens_agree"] = next(
        (n for n in range(len(expected)) if found[n : n + 1] != expected[n : n + 1]), len(expected)
    )
    part = result["tokens_agree"]
    if part < len(expected):
        logits = runtime.next_logits([*ids, *expected[:part]])
        chosen = (
            found[part]
            if part < len(found)
            else int(max(runtime.eos_token_ids, key=lambda token: float(logits[token])))
        )
        gap = float(logits[chosen]) - float(logits[expected[part]])
        result["near_tie"] = gap
        if not gap <= 2 * tolerance:
            result["message"] = (
                f"greedy token {part + 1} is {chosen}, expected {expected[part]}; their logits differ by {gap:.4g}"
            )
            return result
    complaint = _tokenizer_agrees(runtime, vector, ids)
    result["ok"], result["message"] = complaint is None, complaint
    return result


def _stretch(ids: Sequence[int], length: int) -> list[int]:
    """`ids` repeated or cut to exactly `length`."""
    return [ids[n % len(ids)] for n in range(length)]


def _quantile(values: Sequence[float], part: float) -> float:
    """The smallest value that at least `part` of all values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)]


def _latency(seconds: Sequence[float]) -> dict[str, Any]:
    return {
        "latency_median": {"value": _quantile(seconds, 0.5), "unit": "s", "n": len(seconds)},
        "latency_p95": {"value": _quantile(seconds, 0.95), "unit": "s", "n": len(seconds)},
    }


def time_embedding(runtime: Any, ids: Sequence[int], budget_s: float) -> dict[str, Any]:
    """Latency of one text of 128 tokens (fewer if the model reads fewer)."""
    text = _stretch(ids, min(LATENCY_LENGTH, runtime.max_length))
    mask = [1] * len(text)
    runtime.embed(text, mask)
    seconds: list[float] = []
    while len(seconds) < FEWEST_ROUNDS or (len(seconds) < MOST_ROUNDS and sum(seconds) < budget_s):
        begin = time.perf_counter()
        runtime.embed(text, mask)
        seconds.append(time.perf_counter() - begin)
    return _latency(seconds)


def time_generation(runtime: Any, ids: Sequence[int], budget_s: float) -> dict[str, Any]:
    """Time to the first token of a 128-token prompt, and tokens per second after it."""
    room = max(1, min(LATENCY_LENGTH, runtime.context - DECODE_TOKENS - 2))
    prompt = _stretch(ids, room)
    first_seconds: list[float] = []
    rates: list[float] = []
    spent = 0.0
    while len(first_seconds) < FEWEST_ROUNDS or (len(first_seconds) < MOST_ROUNDS and spent < budget_s):
        begin = time.perf_counter()
        moments = [time.perf_counter() for _ in runtime.generate(prompt, DECODE_TOKENS + 1, ignore_eos=True)]
        spent += time.perf_counter() - begin
        first_seconds.append(moments[0] - begin)
        if len(moments) > 4:
            rates.append((len(moments) - 1) / (moments[-1] - moments[0]))
    result = _latency(first_seconds)
    if rates:
        result["decode_rate"] = {"value": _quantile(rates, 0.5), "unit": "tokens/s", "n": len(rates)}
    return result
