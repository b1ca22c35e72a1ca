"""The step `evaluate`: measure a built embedding artifact against the float32 reference.

Owns what is measured on which texts. The artifact runs through `edgewright.device` in a process of its own; one for
another architecture runs under qemu-user when it is a native library, and natively when it is a portable ONNX file.
Invariant: time and memory are only reported when artifact and machine have the same architecture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgewright.device.artifact import Artifact, canonical_architecture, host_architecture, read_artifact, read_vector
from edgewright.device.refusal import Refusal
from edgewright.device.runtimes.tokenizer import Tokenizer
from edgewright.metrics.dataset import Chat, Passage, Query, Row, read_dataset
from edgewright.metrics.embeddings.worker.reference import Reference
from edgewright.metrics.emulation import emulate
from edgewright.metrics.measurements import Measurements, folder_bytes, machine
from edgewright.metrics.probe import NotMeasurableError, probe
from edgewright.metrics.similarity import cosine, nearest, percentile, similarity_correlation
from edgewright.plugins.worker import Facts, Request, WorkerError

LATENCY_TOKENS, WARM_UP, REPEATS = 128, 5, 40
EMULATED_TEXTS = 6
QUALITY = ("cosine_mean", "cosine_min", "similarity_correlation", "retrieval_agreement", "reference_vector")
COST = ("peak_memory", "latency_median", "latency_p95")
TOKENIZER_PROBES = (
    "  leading and   inner spaces\tand tabs\n",
    "1234567890 12,345.67 3/4 50%",
    "naïve café, Ünïcödé, Ærøskøbing, ﬁne",
    "東京の天気は? שלום עולם مرحبا",
    "🙂👩‍🔧 e\u0301 \u200b zero-width",
    "don't won't o'clock snake_case camelCase http://a.example/b?c=d",
)


@dataclass(frozen=True, slots=True)
class Text:
    """One text to embed: its ids in the reference's tokenizer, and what row it came from."""

    row: Row
    ids: tuple[int, ...]


def evaluate(request: Request) -> Facts:
    """Write measurements.json for `artifact`; refuses an empty dataset and an artifact that does not load."""
    folder = request.inputs["artifact"]
    result = Measurements(request.options["units"])
    try:
        artifact, vector = read_artifact(folder), read_vector(folder)
    except Refusal as refusal:
        raise WorkerError(refusal.slug, refusal.message, hint=refusal.hint) from None
    rows = read_dataset(request.inputs["dataset"])
    reference = Reference(request.inputs["canonical"], request.threads)
    texts = _texts(rows, reference, request.options["max_tokens"], artifact.longest)
    result.add("artifact_size", folder_bytes(folder), 1)
    _tokenizer_parity(result, artifact, rows, reference)
    try:
        _measure(result, artifact, request.options["features"], texts, reference, vector)
    except NotMeasurableError as reason:
        for metric in (*QUALITY, *COST):
            result.absent(metric, str(reason))
    return result.write(request.output)


def _texts(rows: Sequence[Row], reference: Reference, max_tokens: int, longest: int) -> list[Text]:
    """Passages and queries in file order, until `max_tokens` tokens are used; at least two are needed."""
    texts: list[Text] = []
    used = 0
    for row in rows:
        if isinstance(row, Chat):
            continue
        ids = tuple(reference.encode(row.text)[: min(longest, reference.max_length)])
        if used + len(ids) > max_tokens:
            break
        used += len(ids)
        texts.append(Text(row, ids))
    if len(texts) < 2:
        raise WorkerError(
            "dataset-empty",
            f"the dataset gives {len(texts)} texts within {max_tokens} tokens, at least 2 are needed",
            hint='write {"text": …} rows, or raise evaluation.maxTokens',
        )
    return texts


def _measure(
    result: Measurements,
    artifact: Artifact,
    features: Sequence[str],
    texts: list[Text],
    reference: Reference,
    vector: Mapping[str, Any],
) -> None:
    native = canonical_architecture(artifact.architecture) == host_architecture()
    if native or artifact.runtime == "onnxruntime":
        answer = _run(artifact, texts, vector)
        here = machine()["architecture"]
        note = (
            None if native else f"measured on the build machine's CPU, architecture {here}: the model file is portable"
        )
        _similarity(result, texts, answer["vectors"], reference, note)
        _vector(result, answer["vector"], vector, note)
        if native:
            _cost(result, answer)
        else:
            _no_cost(result, artifact, here)
        return
    short = [text for text in texts if len(text.ids) <= min(artifact.sequence_lengths)][:EMULATED_TEXTS] or texts[:2]
    runs = [(vector["input_ids"], vector["attention_mask"]), *((text.ids, [1] * len(text.ids)) for text in short)]
    vectors = emulate(artifact, features, runs)
    note = f"under qemu-user emulation of {artifact.architecture}"
    _vector(result, vectors[0], vector, note)
    _similarity(result, short, vectors[1:], reference, note)
    _no_cost(result, artifact, machine()["architecture"])


def _run(artifact: Artifact, texts: Sequence[Text], vector: Mapping[str, Any]) -> dict[str, Any]:
    body = [token for text in texts for token in text.ids[1:-1]]
    first = texts[0].ids
    return probe(
        {
            "artifact": str(artifact.folder),
            "threads": 1,
            "sequences": [list(text.ids) for text in texts],
            "vector": {"input_ids": vector["input_ids"], "attention_mask": vector["attention_mask"]},
            "latency_ids": [first[0], *body[: LATENCY_TOKENS - 2], first[-1]],
            "warm_up": WARM_UP,
            "repeats": REPEATS,
        },
        timeout_s=900,
    )


def _similarity(
    result: Measurements, texts: Sequence[Text], vectors: list[list[float]], reference: Reference, note: str | None
) -> None:
    expected = [reference.embed(text.ids) for text in texts]
    cosines = [cosine(a, b) for a, b in zip(expected, vectors, strict=True)]
    n = len(cosines)
    result.add("cosine_mean", sum(cosines) / n, n, note)
    result.add("cosine_min", min(cosines), n, note)
    result.add("similarity_correlation", similarity_correlation(expected, vectors), n * (n - 1) // 2, note)
    passages = [index for index, text in enumerate(texts) if isinstance(text.row, Passage)]
    queries = [index for index, text in enumerate(texts) if isinstance(text.row, Query)]
    if len(passages) < 2 or not queries:
        result.absent("retrieval_agreement", "too few passages or queries among the texts that were run")
        return
    same = sum(
        nearest(expected[query], [expected[p] for p in passages])
        == nearest(vectors[query], [vectors[p] for p in passages])
        for query in queries
    )
    result.add("retrieval_agreement", same / len(queries), len(queries), note)


def _vector(result: Measurements, got: Sequence[float], vector: Mapping[str, Any], note: str | None) -> None:
    """Largest absolute difference from the stored vector; how far a device may be away is the vector's own affair."""
    differences = [abs(a - b) for a, b in zip(got, vector["embedding"], strict=True)]
    near = f"cosine {cosine(got, vector['embedding']):.6f}"
    result.add("reference_vector", max(differences), 1, f"{note}; {near}" if note else near)


def _cost(result: Measurements, answer: Mapping[str, Any]) -> None:
    times = answer["latencies_s"]
    note = f"{answer['latency_tokens']} tokens, batch 1, one thread"
    result.add("latency_median", percentile(times, 0.5), len(times), note)
    result.add("latency_p95", percentile(times, 0.95), len(times), note)
    note = f"of a process with the device's runtime, one thread, longest input {answer['longest']} tokens"
    result.add("peak_memory", answer["peak_memory"], 1, note)


def _no_cost(result: Measurements, artifact: Artifact, here: str) -> None:
    for metric in COST:
        result.absent(
            metric,
            f"the artifact is for {artifact.architecture}, this machine is {here}: ask the device (where: device)",
        )


def _tokenizer_parity(result: Measurements, artifact: Artifact, rows: Sequence[Row], reference: Reference) -> None:
    tokenizer = Tokenizer(artifact.tokenizer)
    texts = [row.text for row in rows if not isinstance(row, Chat)]
    texts += [*TOKENIZER_PROBES, "before " + " ".join(reference.special_tokens) + " after"]
    try:
        same = sum(tokenizer.encode(text) == reference.encode(text) for text in texts)
    except Refusal as refusal:
        raise WorkerError(refusal.slug, refusal.message, hint=refusal.hint) from None
    result.add("tokenizer_parity", same / len(texts), len(texts))
