"""The step `build`: the float32 graph in, an artifact folder with one library per sequence length out.

Owns the order of the work and the content of the artifact. Invariants: no library leaves this step unless it has
reproduced the reference on this machine, natively or emulated; all libraries read the same weights blob.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from tokenizers import Tokenizer

from edgewright.backends.onnxruntime.layout import artifact_document, copy_tokenizer, read_facts, write_document
from edgewright.backends.tvm.worker import emit, execute, import_onnx, link, lower, program, reference
from edgewright.backends.tvm.worker import target as targets
from edgewright.backends.tvm.worker.target import BuildTarget
from edgewright.backends.tvm.worker.weights import Weights
from edgewright.plugins.worker import Facts, Request, WorkerError

VECTOR_TEXT = "The parcel arrived on Tuesday; the shop opens at 9:30 and closes at 18:00."
EMULATED_LENGTH = 128
"""Longest library that is verified under emulation: one run of a small encoder takes half a minute there."""


@dataclass(frozen=True, slots=True)
class _Libraries:
    """What compiling gave: files beside weights.bin, and the workspace of each length."""

    folder: Path
    weights_bytes: int
    workspace_bytes: dict[int, int]
    needed: list[str]


def build(request: Request) -> Facts:
    """Inputs `onnx` and `canonical`. Options: `target` {architecture, llvm}, `sequence_lengths`, `recipe`."""
    started = time.monotonic()
    facts = read_facts(request.inputs["canonical"])
    lengths = _lengths(request.options["sequence_lengths"], facts)
    if request.options["recipe"]["method"] != "float32":
        raise WorkerError("recipe-method", f"tvm builds float32 only, not {request.options['recipe']['method']}")
    target = targets.resolve(request.options["target"])
    _refuse_unverifiable(target)
    model = import_onnx.read(request.inputs["onnx"])
    libraries = _compile(model, lengths, int(facts["vocab_size"]), target, Path.cwd())
    compiled = time.monotonic()
    shipped = request.output / "model"
    shipped.mkdir()
    for name in ["weights.bin", *(f"encoder_{length}.so" for length in lengths)]:
        shutil.copyfile(libraries.folder / name, shipped / name)
        (shipped / name).chmod(0o644)
    copy_tokenizer(request.inputs["canonical"], request.output)
    write_document(request.output / "artifact.json", _document(request, facts, lengths, target))
    command = execute.prepare(target, Path.cwd())
    agreement = _verify(model, facts, lengths, target, command, shipped)
    write_document(request.output / "test_vector.json", _vector(request, facts, lengths, command, shipped))
    return {
        "library_bytes": {str(n): (shipped / f"encoder_{n}.so").stat().st_size for n in lengths},
        "weights_bytes": libraries.weights_bytes,
        "workspace_bytes": {str(n): libraries.workspace_bytes[n] for n in lengths},
        "agreement_max_abs": max(agreement.values()),
        "verified": {str(n): "native" if target.is_native else "emulated" for n in agreement},
        "needed_libraries": libraries.needed,
        "vector_floats": target.machine.lanes,
        "compile_seconds": round(compiled - started, 2),
    }


def _lengths(wanted: Sequence[int], facts: Facts) -> list[int]:
    """The sequence lengths in order; refused when none is given or one has no positions."""
    lengths = sorted(set(wanted))
    if not lengths:
        raise WorkerError("sequence-lengths", "no sequence length is given, at least one is needed")
    if lengths[0] < 1:
        raise WorkerError("sequence-lengths", f"sequence length {lengths[0]} is below 1")
    if lengths[-1] > int(facts["max_positions"]):
        raise WorkerError(
            "sequence-lengths",
            f"sequence length {lengths[-1]} is above the {facts['max_positions']} positions of the model",
            hint=f"give lengths up to {facts['max_positions']}",
        )
    return lengths


def _refuse_unverifiable(target: BuildTarget) -> None:
    """Ask for every tool before the first minute is spent."""
    target.compiler()
    if not target.is_native:
        target.emulator()
    if missing := target.missing_features():
        raise WorkerError(
            "cpu-lacks-features",
            f"this machine's CPU lacks {', '.join(missing)}, so the library could not be verified here",
            hint="build on a machine that has them, or choose a target with fewer features",
        )


def _compile(
    model: onnx.ModelProto, lengths: Sequence[int], vocabulary: int, target: BuildTarget, folder: Path
) -> _Libraries:
    """Longest first: shorter ones find their constants inside its own."""
    weights = Weights()
    programs: dict[int, program.Program] = {}
    for length in sorted(lengths, reverse=True):
        lowered = lower.lower(import_onnx.at_length(model, length), target.machine, target.llvm)
        programs[length] = program.read(lowered, weights)
        link.compile_kernels(lowered, target, folder / f"encoder_{length}.kernels.o")
    needed: set[str] = set()
    for length, planned in programs.items():
        entry = emit.entry(planned, length, vocabulary, weights.size)
        needed.update(link.needed(link.library(folder, f"encoder_{length}", entry, target)))
    weights.write(folder / "weights.bin")
    workspaces = {length: planned.workspace_bytes for length, planned in programs.items()}
    return _Libraries(folder, weights.size, workspaces, sorted(needed))


def _document(request: Request, facts: Facts, lengths: list[int], target: BuildTarget) -> dict[str, Any]:
    document = artifact_document(
        backend="tvm",
        facts=facts,
        recipe=request.options["recipe"],
        architecture=target.name,
        files={"weights": "model/weights.bin", **{f"encoder_{n}": f"model/encoder_{n}.so" for n in lengths}},
        context=lengths[-1],
        inputs=[
            {"name": name, "dtype": "int64", "shape": [1, "sequence_length"]}
            for name in ("input_ids", "attention_mask")
        ],
        outputs=[{"name": "embedding", "dtype": "float32", "shape": [int(facts["dimension"])]}],
    )
    document["runtime"] |= {"kind": "tvm-static", "sequence_lengths": lengths, "threads_default": 1}
    return document


def _verify(
    model: onnx.ModelProto, facts: Facts, lengths: Sequence[int], target: BuildTarget, command: list[str], folder: Path
) -> dict[int, float]:
    """The largest difference from the reference at each verified length; refused above the agreement asked for."""
    checked = [n for n in lengths if target.is_native or n <= EMULATED_LENGTH] or [min(lengths)]
    samples = [reference.sample(length, int(facts["vocab_size"])) for length in checked]
    differences: dict[int, float] = {}
    for length, sample, wanted in zip(checked, samples, reference.embeddings(model, samples), strict=True):
        got = execute.run(command, folder, length, int(facts["dimension"]), [sample])[0]
        difference = float(np.max(np.abs(got - wanted))) if np.isfinite(got).all() else float("inf")
        if not difference <= reference.AGREEMENT:
            raise WorkerError(
                "artifact-unsound",
                f"encoder_{length}.so is {difference:.2g} off the reference, {reference.AGREEMENT:.0e} is allowed",
            )
        differences[length] = difference
    return differences


def _vector(request: Request, facts: Facts, lengths: Sequence[int], command: list[str], folder: Path) -> dict[str, Any]:
    """The artifact's own answer to a text, which every device must reproduce."""
    tokenizer = Tokenizer.from_file(str(request.inputs["canonical"] / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max(lengths))
    ids = tokenizer.encode(VECTOR_TEXT).ids
    sample = execute.Sample(tuple(ids), (1,) * len(ids))
    length = execute.shortest(lengths, sample)
    embedding = execute.run(command, folder, length, int(facts["dimension"]), [sample])[0]
    return {
        "schema": 1,
        "text": VECTOR_TEXT,
        "input_ids": ids,
        "attention_mask": list(sample.mask),
        "embedding": [float(value) for value in embedding],
        "tolerance": {"max_abs": 1e-3},
    }
