"""Running the libraries of an artifact on given inputs: by a small C program, under qemu-user for another architecture.

Owns the runner's protocol. The runner is compiled into a scratch folder and never ships.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgewright.backends.tvm.worker import link, runner
from edgewright.backends.tvm.worker.target import BuildTarget
from edgewright.plugins.worker import WorkerError

TIMEOUT_S = 900.0
"""Emulation is about 100 times slower than the processor: 512 tokens of a small encoder take a minute or two."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Token ids and mask of one text, without padding."""

    ids: tuple[int, ...]
    mask: tuple[int, ...]

    def padded(self, length: int) -> np.ndarray:
        """int64[2, length]: ids, then mask, both padded with zeros."""
        block: np.ndarray = np.zeros((2, length), dtype="<i8")
        block[0, : len(self.ids)] = self.ids
        block[1, : len(self.mask)] = self.mask
        return block


def shortest(lengths: Sequence[int], sample: Sample) -> int:
    """The library that serves a text: the shortest that holds it."""
    fitting = [length for length in sorted(lengths) if length >= len(sample.ids)]
    if not fitting:
        raise WorkerError(
            "sequence-too-long", f"a text has {len(sample.ids)} tokens, at most {max(lengths)} are served"
        )
    return fitting[0]


def prepare(target: BuildTarget, scratch: Path) -> list[str]:
    """Compile the runner; returns the command it is started with."""
    (scratch / "runner.c").write_text(runner.SOURCE, encoding="utf-8")
    prefix = [] if target.is_native else target.emulator()
    link.command(
        [target.compiler(), "-std=gnu11", "-O2", "-Wall", "-Werror", "runner.c", "-ldl", "-o", "runner"], scratch
    )
    return [*prefix, str(scratch / "runner")]


def run(command: Sequence[str], model: Path, length: int, dimension: int, samples: Sequence[Sample]) -> np.ndarray:
    """float32[samples, dimension] from `model`/encoder_<length>.so and `model`/weights.bin."""
    library, weights = model / f"encoder_{length}.so", model / "weights.bin"
    arguments = [str(library.resolve()), str(weights.resolve()), str(length), str(dimension), str(len(samples))]
    fed = b"".join(sample.padded(length).tobytes() for sample in samples)
    try:
        done = subprocess.run([*command, *arguments], input=fed, capture_output=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as late:
        raise WorkerError("artifact-timeout", f"{library.name} did not answer within {TIMEOUT_S:.0f} s") from late
    if done.returncode != 0:
        reason = done.stderr.decode(errors="replace").strip()[-300:] or "no message"
        raise WorkerError("artifact-fails", f"{library.name} ended with {done.returncode}: {reason}")
    return np.frombuffer(done.stdout, dtype="<f4").reshape(len(samples), dimension)
