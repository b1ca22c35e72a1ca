"""The step `evaluate`: measure a built text-generation artifact against the float32 reference.

Owns what is measured on which tokens. Logits of the artifact come from the device's runtime, all positions of a window
in one prefill, the graph that also answers requests; answers, time and memory come from a process of their own.
Invariant: time and memory are only reported when artifact and machine have the same architecture.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from edgewright.device.artifact import Artifact, canonical_architecture, host_architecture, read_artifact, read_vector
from edgewright.device.refusal import Refusal
from edgewright.device.runtimes.load import load_artifact
from edgewright.metrics.dataset import Chat, Row, read_dataset
from edgewright.metrics.generation.worker.divergence import Divergence
from edgewright.metrics.generation.worker.parity import chat_template_parity, tokenizer_parity
from edgewright.metrics.generation.worker.reference import Reference
from edgewright.metrics.generation.worker.smoke import gibberish_smoke, prompts_of
from edgewright.metrics.measurements import Measurements, folder_bytes, machine
from edgewright.metrics.probe import NotMeasurableError, probe
from edgewright.metrics.similarity import percentile
from edgewright.plugins.worker import Facts, Request, WorkerError

WINDOW, SHORTEST_WINDOW = 512, 64
LATENCY_TOKENS, WARM_UP, REPEATS = 128, 2, 20
SHORTEST_TIMED_ANSWER = 16
ANSWER_TOKENS = 48
COST = ("peak_memory", "latency_median", "latency_p95", "decode_rate")


def evaluate(request: Request) -> Facts:
    """Write measurements.json for `artifact`; refuses an empty dataset and an artifact that does not load."""
    result = Measurements(request.options["units"])
    rows = read_dataset(request.inputs["dataset"])
    try:
        artifact = read_artifact(request.inputs["artifact"])
        vector = read_vector(artifact.folder)
        reference = Reference(request.inputs["canonical"], request.threads)
        texts = _texts(rows, reference)
        ids = _stream(texts, reference, request.options["max_tokens"])
        native = canonical_architecture(artifact.architecture) == host_architecture()
        here = machine()["architecture"]
        note = (
            None if native else f"measured on the build machine's CPU, architecture {here}: the model file is portable"
        )
        result.add("artifact_size", folder_bytes(artifact.folder), 1)
        tokenizer_parity(result, artifact, texts, reference)
        chat_template_parity(result, artifact, rows, reference)
        _divergence(result, artifact, ids, reference, request.threads, note)
        answer = _run(artifact, prompts_of(rows, reference), ids, vector)
    except Refusal as refusal:
        raise WorkerError(refusal.slug, refusal.message, hint=refusal.hint) from None
    except NotMeasurableError as reason:
        raise WorkerError("artifact-not-measurable", str(reason)) from None
    gibberish_smoke(result, answer["answers"], texts, reference, note)
    _vector(result, answer["vector"], vector, note)
    if native:
        _cost(result, answer)
    else:
        for metric in COST:
            result.absent(
                metric,
                f"the artifact is for {artifact.architecture}, this machine is {here}: ask the device (where: device)",
            )
    return result.write(request.output)


def _texts(rows: Sequence[Row], reference: Reference) -> list[str]:
    """Text of every row; a conversation as the model's own template writes it."""
    texts = []
    for row in rows:
        if not isinstance(row, Chat):
            texts.append(row.text)
        elif reference.renders(row.messages):
            texts.append(reference.render(row.messages, prompt=False))
        else:
            texts.append("\n\n".join(message["content"] for message in row.messages))
    return texts


def _stream(texts: Sequence[str], reference: Reference, max_tokens: int) -> list[int]:
    """Token ids of the texts one after the other, a blank line between them, at most `max_tokens`."""
    gap = reference.encode("\n\n", special=False)
    ids: list[int] = []
    for text in texts:
        ids += [*gap, *reference.encode(text)] if ids else reference.encode(text)
        if len(ids) >= max_tokens:
            break
    if len(ids) < SHORTEST_WINDOW:
        raise WorkerError(
            "dataset-empty",
            f"the dataset has {len(ids)} tokens, at least {SHORTEST_WINDOW} are needed",
            hint="add text; a few thousand tokens give numbers worth a gate",
        )
    return ids[:max_tokens]


def _windows(ids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), size):
        window = ids[start : start + size]
        if len(window) >= min(SHORTEST_WINDOW, size):
            yield window


def _divergence(
    result: Measurements, artifact: Artifact, ids: Sequence[int], reference: Reference, threads: int, note: str | None
) -> None:
    candidate = load_artifact(artifact, threads)
    collected = Divergence()
    for window in _windows(ids, min(WINDOW, artifact.longest - 1)):
        collected.add(window, reference.logits(window), candidate.logits(window))
    candidate.close()
    n = len(collected.kl)
    result.add("kl_divergence_mean", math.fsum(collected.kl) / n, n, note)
    result.add("kl_divergence_p99", percentile(collected.kl, 0.99), n, note)
    result.add("top1_agreement", sum(collected.agree) / n, n, note)
    m = len(collected.nll)
    nll, reference_nll = math.fsum(collected.nll) / m, math.fsum(collected.reference_nll) / m
    result.add("perplexity", math.exp(nll), m, note)
    result.add("reference_perplexity", math.exp(reference_nll), m)
    result.add("perplexity_ratio", math.exp(nll - reference_nll), m, note)


def _run(artifact: Artifact, prompts: Sequence[Any], ids: Sequence[int], vector: Mapping[str, Any]) -> dict[str, Any]:
    return probe(
        {
            "artifact": str(artifact.folder),
            "threads": 1,
            "prompts": prompts,
            "answer_tokens": ANSWER_TOKENS,
            "vector": {key: vector[key] for key in ("input_ids", "token_ids", "logits_top")},
            "latency_ids": list(ids[:LATENCY_TOKENS]),
            "warm_up": WARM_UP,
            "repeats": REPEATS,
        },
        timeout_s=1200,
    )


def _vector(result: Measurements, got: Mapping[str, Any], vector: Mapping[str, Any], note: str | None) -> None:
    """Largest difference of a first-step logit; different greedy tokens are no reproduction, whatever the logits."""
    if got["token_ids"] != vector["token_ids"]:
        result.absent("reference_vector", f"tokens {got['token_ids']} instead of {vector['token_ids']}")
        return
    differences = [abs(a - b) for a, (_, b) in zip(got["logits"], vector["logits_top"], strict=True)]
    result.add("reference_vector", max(differences), len(differences), note)


def _cost(result: Measurements, answer: Mapping[str, Any]) -> None:
    times = answer["latencies_s"]
    note = f"time to first token, {answer['latency_tokens']} prompt tokens, batch 1, one thread"
    result.add("latency_median", percentile(times, 0.5), len(times), note)
    result.add("latency_p95", percentile(times, 0.95), len(times), note)
    answers = [answer for answer in answer["answers"] if len(answer["ids"]) >= SHORTEST_TIMED_ANSWER]
    rates = [(len(answer["ids"]) - 1) / answer["decode_s"] for answer in answers]
    if rates:
        note = f"answers of up to {ANSWER_TOKENS} tokens to short prompts, batch 1, one thread, median"
        result.add("decode_rate", percentile(rates, 0.5), len(rates), note)
    else:
        result.absent("decode_rate", f"no answer has {SHORTEST_TIMED_ANSWER} tokens")
    note = f"of a process with the device's runtime, one thread, longest prompt {answer['longest']} tokens"
    result.add("peak_memory", answer["peak_memory"], 1, note)
