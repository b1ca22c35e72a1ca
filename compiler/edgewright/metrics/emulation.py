"""Runs a static library of another architecture under qemu-user: correctness only, never time.

Owns a small C program that loads the library by its documented C entry (docs of `edge_run`) and the command that starts
it. It does not share the backend's own runner: an evaluation that trusts the builder's harness would repeat its faults,
and metrics do not import backends. Standard library only; staged beside the workers.

Invariants: inputs are padded by zeros to the library's length; buffers are 64-byte aligned and poisoned before use;
token ids were checked by the caller.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgewright.device.artifact import Artifact, canonical_architecture, host_architecture
from edgewright.device.runtimes.base import check_ids, check_mask
from edgewright.metrics.probe import NotMeasurableError
from edgewright.plugins.worker import WorkerError

Run = tuple[Sequence[int], Sequence[int]]
"""Token ids and mask of one text."""

TIMEOUT_S = 1200.0
VECTOR_CPU = "rv64,v=true,vlen=128,vext_spec=v1.0"
"""RISC-V with vectors of the shortest length that the extension allows; qemu's default CPU has none."""


@dataclass(frozen=True, slots=True)
class Emulator:
    """The tools of one architecture, as Debian names them."""

    triple: str
    qemu: str

    @property
    def compiler(self) -> str:
        """The cross compiler."""
        return f"{self.triple}-gcc"


EMULATORS = {
    "aarch64": Emulator("aarch64-linux-gnu", "qemu-aarch64-static"),
    "riscv64": Emulator("riscv64-linux-gnu", "qemu-riscv64-static"),
    "x86-64": Emulator("x86_64-linux-gnu", "qemu-x86_64-static"),
}


def emulate(artifact: Artifact, features: Sequence[str], runs: Sequence[Run]) -> list[list[float]]:
    """Embeddings of all runs, in order. `NotMeasurableError`: a tool is missing; `WorkerError`: the library fails."""
    for ids, mask in runs:
        check_ids(ids, artifact.vocab_size, artifact.longest)
        check_mask(mask, len(ids))
    vectors: dict[int, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="emulate-") as folder:
        command = _prepare(artifact.architecture, features, Path(folder))
        for length in artifact.sequence_lengths:
            chosen = [i for i, (ids, _) in enumerate(runs) if _length(artifact, ids) == length]
            if chosen:
                answers = _run(command, artifact, length, [runs[i] for i in chosen])
                vectors.update(zip(chosen, answers, strict=True))
    return [vectors[index] for index in range(len(runs))]


def _length(artifact: Artifact, ids: Sequence[int]) -> int:
    return min(length for length in artifact.sequence_lengths if length >= len(ids))


def _prepare(architecture: str, features: Sequence[str], folder: Path) -> list[str]:
    """Compile the runner; the command that starts it."""
    name = canonical_architecture(architecture)
    emulator = EMULATORS.get(name or "")
    if emulator is None:
        raise NotMeasurableError(f"{architecture} is not emulated here, only {', '.join(sorted(EMULATORS))} are")
    compiler, qemu = _tool(emulator.compiler), _tool(emulator.qemu)
    source, program = folder / "runner.c", folder / "runner"
    source.write_text(RUNNER, encoding="utf-8")
    argv = [compiler, "-std=gnu11", "-O1", str(source), "-ldl", "-o", str(program)]
    compiled = subprocess.run(argv, capture_output=True, check=False, timeout=120)
    if compiled.returncode != 0:
        raise NotMeasurableError(
            f"{emulator.compiler} fails: {compiled.stderr.decode(errors='replace').strip()[-300:]}"
        )
    root = "/" if name == host_architecture() else f"/usr/{emulator.triple}"
    has_vectors = name == "riscv64" and any(feature.lstrip("+") == "v" for feature in features)
    cpu = ["-cpu", VECTOR_CPU] if has_vectors else []
    return [qemu, *cpu, "-L", root, str(program)]


def _tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise NotMeasurableError(f"{name} is missing; it is needed to emulate the target")
    return path


def _run(command: Sequence[str], artifact: Artifact, length: int, runs: Sequence[Run]) -> list[list[float]]:
    library, weights = artifact.model / f"encoder_{length}.so", artifact.model / "weights.bin"
    dimension = int(artifact.dimension or 0)
    argv = [*command, str(library.resolve()), str(weights.resolve()), str(length), str(dimension), str(len(runs))]
    fed = b"".join(
        struct.pack(f"<{length}q", *values, *([0] * (length - len(values)))) for run in runs for values in run
    )
    try:
        done = subprocess.run(argv, input=fed, capture_output=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise WorkerError(
            "artifact-too-slow", f"{library.name} did not finish {len(runs)} texts in {TIMEOUT_S:g} s under emulation"
        ) from None
    expected = 4 * dimension * len(runs)
    if done.returncode != 0 or len(done.stdout) != expected:
        reason = done.stderr.decode(errors="replace").strip()[-300:] or "no message"
        raise WorkerError(
            "artifact-crashed", f"{library.name} ended with status {done.returncode} under emulation: {reason}"
        )
    values = struct.unpack(f"<{dimension * len(runs)}f", done.stdout)
    return [list(values[start : start + dimension]) for start in range(0, len(values), dimension)]


RUNNER = r"""
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int (*entry)(const void *const *, void *, const void *, void *);

static void *aligned(size_t bytes) {
  size_t rounded = (bytes + 127) / 64 * 64;
  void *memory = aligned_alloc(64, rounded);
  if (!memory) { fputs("out of memory", stderr); exit(9); }
  return memset(memory, 0x7f, rounded);
}

static void *symbol(void *library, const char *name) {
  void *found = dlsym(library, name);
  if (!found) { fprintf(stderr, "%s is missing", name); exit(8); }
  return found;
}

int main(int argc, char **argv) {
  if (argc != 6) return 7;
  size_t length = strtoul(argv[3], 0, 10), dimension = strtoul(argv[4], 0, 10), count = strtoul(argv[5], 0, 10);
  void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (!library) { fputs(dlerror(), stderr); return 6; }
  entry run = (entry)symbol(library, "edge_run");
  uint64_t needed = *(const uint64_t *)symbol(library, "edge_weights_bytes");
  void *workspace = aligned(*(const uint64_t *)symbol(library, "edge_workspace_bytes"));
  char *weights = aligned(needed);
  FILE *file = fopen(argv[2], "rb");
  if (!file || fread(weights, 1, needed, file) != needed || fgetc(file) != EOF) {
    fputs("weights.bin has another size", stderr);
    return 5;
  }
  int64_t *ids = aligned(8 * length), *mask = aligned(8 * length);
  float *output = aligned(4 * dimension);
  const void *inputs[2] = {ids, mask};
  for (size_t i = 0; i < count; i++) {
    if (fread(ids, 8, length, stdin) != length || fread(mask, 8, length, stdin) != length) return 4;
    if (run(inputs, output, weights, workspace)) {
      fputs(*(const char *const *)symbol(library, "edge_error"), stderr);
      return 3;
    }
    if (fwrite(output, 4, dimension, stdout) != dimension) return 2;
  }
  return fflush(stdout) ? 1 : 0;
}
"""
