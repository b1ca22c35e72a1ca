"""The step `emulate`: embeddings of given token ids from a built artifact, whatever its architecture.

Owns the step's document, `embeddings.json`: {"embeddings": [[float, ...], ...]} in the order of the options.
"""

from __future__ import annotations

import json
from pathlib import Path

from edgewright.backends.tvm.worker import execute
from edgewright.backends.tvm.worker import target as targets
from edgewright.backends.tvm.worker.execute import Sample
from edgewright.plugins.worker import Facts, Request, WorkerError


def emulate(request: Request) -> Facts:
    """Input `artifact`. Options: `ids` and `masks`, one list of numbers a text; `target` as in `build`."""
    artifact = request.inputs["artifact"]
    document = json.loads((artifact / "artifact.json").read_text(encoding="utf-8"))
    target = targets.resolve(request.options["target"])
    if document["architecture"] != target.name:
        raise WorkerError("artifact-architecture", f"the artifact is for {document['architecture']}, not {target.name}")
    pairs = zip(request.options["ids"], request.options["masks"], strict=True)
    samples = [Sample(tuple(ids), tuple(mask)) for ids, mask in pairs]
    lengths, dimension = document["runtime"]["sequence_lengths"], int(document["model"]["dimension"])
    command = execute.prepare(target, Path.cwd())
    embeddings: list[list[float]] = [[]] * len(samples)
    for length in lengths:
        chosen = [index for index, sample in enumerate(samples) if execute.shortest(lengths, sample) == length]
        if chosen:
            rows = execute.run(command, artifact / "model", length, dimension, [samples[index] for index in chosen])
            for index, row in zip(chosen, rows, strict=True):
                embeddings[index] = [float(value) for value in row]
    (request.output / "embeddings.json").write_text(json.dumps({"embeddings": embeddings}) + "\n", encoding="utf-8")
    return {"texts": len(samples)}
