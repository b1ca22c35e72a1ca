"""The measured process: loads one artifact with the device's own runtime, does what it is asked, says what it took.

A fresh process, so that its peak memory is the runtime's and not PyTorch's, and so that a library for another CPU kills
this process and not the evaluation. Imports `edgewright.device` and the standard library. Reads one JSON request from
the path in its first argument, writes one JSON answer to the second. Invariant: nothing is timed before it is warm.
"""

from __future__ import annotations

import itertools
import json
import re
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgewright.device.refusal import Refusal
from edgewright.device.runtimes.load import load

Answer = dict[str, Any]


def main() -> None:
    """Entry: `child REQUEST ANSWER`."""
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    try:
        runtime = load(Path(request["artifact"]), threads=int(request["threads"]))
        answer = {"ok": True, **(_embeddings if runtime.task == "embeddings" else _generation)(runtime, request)}
    except Refusal as refusal:
        answer = {"ok": False, "error": {"slug": refusal.slug, "message": refusal.message, "hint": refusal.hint}}
    answer["peak_memory"] = peak_memory_bytes()
    Path(sys.argv[2]).write_text(json.dumps(answer), encoding="utf-8")


def peak_memory_bytes() -> int:
    """Most memory this process ever had resident (`VmHWM`)."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    match = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(match[1]) * 1024 if match else 0


def _embeddings(runtime: Any, request: Mapping[str, Any]) -> Answer:
    """Vectors of `sequences`, times of `latency_ids`, and one run of the longest input the artifact takes."""
    sequences = [ids[: runtime.max_length] for ids in request["sequences"]]
    vectors = [runtime.embed(ids, [1] * len(ids)) for ids in sequences]
    vector = request.get("vector")
    reproduced = runtime.embed(vector["input_ids"], vector["attention_mask"]) if vector else None
    ids = request["latency_ids"][: runtime.max_length]
    times = _times(lambda: runtime.embed(ids, [1] * len(ids)), request["warm_up"], request["repeats"])
    longest = _filled(ids, runtime.max_length)
    runtime.embed(longest, [1] * len(longest))
    return {
        "vectors": vectors,
        "vector": reproduced,
        "latency_tokens": len(ids),
        "latencies_s": times,
        "longest": len(longest),
    }


def _generation(runtime: Any, request: Mapping[str, Any]) -> Answer:
    """Answers to `prompts` with their decode times, time to the first token, and a prompt that fills the context."""
    answers = []
    for messages in request["prompts"]:
        ids = runtime.encode_chat(messages) if isinstance(messages, list) else runtime.encode(messages)
        tokens, seconds = _timed_answer(runtime, ids[-(runtime.context - 1) :], request["answer_tokens"])
        answers.append({"prompt_ids": ids, "ids": tokens, "text": runtime.decode(tokens), "decode_s": seconds})
    vector = request.get("vector")
    reproduced = _reproduce(runtime, vector) if vector else None
    ids = request["latency_ids"][: max(1, runtime.context - 1)]
    times = _times(lambda: _first_token(runtime, ids), request["warm_up"], request["repeats"])
    longest = _filled(ids, runtime.context - 8)
    list(runtime.generate(longest, 4))
    return {
        "answers": answers,
        "vector": reproduced,
        "latency_tokens": len(ids),
        "latencies_s": times,
        "longest": len(longest),
    }


def _filled(ids: Sequence[int], length: int) -> list[int]:
    """The ids repeated to `length` tokens."""
    return (list(ids) * (length // len(ids) + 1))[:length]


def _times(work: Any, warm_up: int, repeats: int) -> list[float]:
    for _ in range(warm_up):
        work()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return seconds


def _first_token(runtime: Any, ids: Sequence[int]) -> None:
    iterator = runtime.generate(ids, 1)
    next(iterator, None)
    iterator.close()


def _timed_answer(runtime: Any, ids: Sequence[int], tokens: int) -> tuple[list[int], float]:
    """The answer's tokens, and the seconds from the first one to the last one."""
    iterator = runtime.generate(ids, tokens)
    answer = list(itertools.islice(iterator, 1))
    start = time.perf_counter()
    answer.extend(iterator)
    return answer, time.perf_counter() - start


def _reproduce(runtime: Any, vector: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first-step logits of the vector's entries, and its greedy tokens."""
    ids = vector["input_ids"]
    logits = runtime.next_logits(ids)
    expected = vector["token_ids"]
    return {
        "logits": [float(logits[int(token)]) for token, _ in vector["logits_top"]],
        "token_ids": list(runtime.generate(ids, len(expected))),
    }


if __name__ == "__main__":
    main()
