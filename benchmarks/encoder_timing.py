"""Times one encoder in a `tvm-static` library and in ONNX Runtime, in turn, in one process, one thread each.

Runs in the `onnx` environment: `python encoder_timing.py ARTIFACT MODEL.onnx LENGTH ROUNDS PAIRS` prints one JSON
object.
"""

from __future__ import annotations

import ctypes
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime


def aligned(size_bytes: int) -> np.ndarray:
    """Zeroed bytes at a multiple of 64."""
    room: Any = np.zeros(size_bytes + 64, dtype=np.uint8)
    start = -room.ctypes.data % 64
    part: np.ndarray = room[start : start + size_bytes]
    return part


class Library:
    """The library of one length with its buffers; the answer is in `output` after `run`."""

    def __init__(self, artifact: Path, ids: np.ndarray, mask: np.ndarray) -> None:
        document = json.loads((artifact / "artifact.json").read_text(encoding="utf-8"))
        self.library = ctypes.CDLL(str((artifact / "model" / f"encoder_{len(ids)}.so").resolve()))
        self.weights = aligned((artifact / "model" / "weights.bin").stat().st_size)
        self.weights[:] = np.fromfile(artifact / "model" / "weights.bin", dtype=np.uint8)
        self.workspace = aligned(ctypes.c_uint64.in_dll(self.library, "edge_workspace_bytes").value)
        self.ids: Any = aligned(8 * len(ids)).view(np.int64)
        self.mask: Any = aligned(8 * len(ids)).view(np.int64)
        self.ids[:], self.mask[:] = ids, mask
        self.output: Any = aligned(4 * int(document["model"]["dimension"])).view(np.float32)
        self.inputs = (ctypes.c_void_p * 2)(self.ids.ctypes.data, self.mask.ctypes.data)
        self.buffers = [ctypes.c_void_p(array.ctypes.data) for array in (self.output, self.weights, self.workspace)]

    def run(self) -> None:
        if self.library.edge_run(self.inputs, *self.buffers):
            raise SystemExit("edge_run failed")


def main() -> None:
    artifact, model, length, rounds, pairs = Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:6])
    options: Any = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session: Any = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    vocabulary = json.loads((artifact / "artifact.json").read_text(encoding="utf-8"))["model"]["vocab_size"]
    ids = np.random.default_rng(0).integers(0, vocabulary, length, dtype=np.int64)
    mask: Any = np.ones(length, dtype=np.int64)
    mask[length - length // 8 :] = 0
    ours = Library(artifact, ids, mask)
    feed = {"input_ids": ids[None], "attention_mask": mask[None]}
    ours.run()

    def peer() -> None:
        session.run(None, feed)

    difference = float(np.abs(session.run(None, feed)[0][0] - ours.output).max())
    results = []
    for _ in range(rounds):
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(pairs):
            for call, seconds in zip((ours.run, peer), times, strict=True):
                started = time.perf_counter()
                call()
                seconds.append(time.perf_counter() - started)
        results.append([statistics.median(seconds) for seconds in times])
    print(
        json.dumps(
            {
                "length": length,
                "ours_median_s": statistics.median(ours_s for ours_s, _ in results),
                "peer_median_s": statistics.median(peer_s for _, peer_s in results),
                "ratio_median": statistics.median(ours_s / peer_s for ours_s, peer_s in results),
                "ratios": [round(ours_s / peer_s, 3) for ours_s, peer_s in results],
                "max_abs_difference": difference,
            }
        )
    )


if __name__ == "__main__":
    main()
