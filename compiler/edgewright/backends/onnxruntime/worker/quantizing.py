"""The recipes of the ONNX backend: one function a method, float32 graph file in, quantised graph file out.

Owns what each recipe means. What was measured on all-MiniLM-L6-v2 (cosine to float32 over the example's text) and
decided the defaults:

- dynamic int8, one scale a weight column, MatMul and Gather: 0.993; one scale a tensor: 0.962.
- static int8 with the outputs of MatMul quantised too: 0.94; leaving outputs in float32: 0.989, no slower. Clipping
  ranges to a percentile does not help (99.999 %: 0.989) and can ruin the model (99.99 %: 0.867), so ranges are the
  plain minimum and maximum.
- `reduce_range` (7-bit weights) costs 0.001 and is needed on x86-64 without VNNI, where pairs of 8-bit products
  saturate in 16 bits.

Invariant: weights only; activations are quantised by the graph itself, at run time or with calibrated ranges.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer
from onnxruntime.quantization.shape_inference import quant_pre_process

from edgewright.compress.worker.embedding_table import quantize_embeddings

OPERATORS = ["MatMul", "Gather"]
CALIBRATION_TOKENS = 128
"""Longest calibration text: ranges of activations do not grow with length, memory does."""

Samples = list[list[int]]


def quantize(method: str, source: Path, target: Path, options: Mapping[str, Any], samples: Samples) -> None:
    """Write the quantised graph of `source` to `target`. `samples` are token ids, used by int8-static alone."""
    steps: dict[str, Callable[[], None]] = {
        "float32": lambda: _copy(source, target),
        "int8-dynamic": lambda: _dynamic(source, target, options),
        "int8-static": lambda: _static(source, target, options, samples),
        "int8-weight-only": lambda: _weight_only(source, target, 8, options),
        "int4-weight-only": lambda: _weight_only(source, target, 4, options),
    }
    steps[method]()


def _copy(source: Path, target: Path) -> None:
    target.write_bytes(source.read_bytes())


def _dynamic(source: Path, target: Path, options: Mapping[str, Any]) -> None:
    quantize_dynamic(
        source,
        target,
        op_types_to_quantize=OPERATORS,
        per_channel=True,
        reduce_range=bool(options["reduce_range"]),
        weight_type=QuantType.QInt8,
        extra_options={"MatMulConstBOnly": True},
    )


class _Samples(CalibrationDataReader):
    def __init__(self, samples: Samples) -> None:
        self._rows: Iterator[list[int]] = iter(samples)

    def get_next(self) -> dict[str, np.ndarray] | None:
        row = next(self._rows, None)
        if row is None:
            return None
        ids = np.array([row[:CALIBRATION_TOKENS]], np.int64)
        return {"input_ids": ids, "attention_mask": np.ones_like(ids)}


def _static(source: Path, target: Path, options: Mapping[str, Any], samples: Samples) -> None:
    prepared = target.with_suffix(".prepared.onnx")
    quant_pre_process(source, prepared, skip_symbolic_shape=True)
    quantize_static(
        prepared,
        target,
        _Samples(samples),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=OPERATORS,
        per_channel=True,
        reduce_range=bool(options["reduce_range"]),
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax,
        extra_options={"MatMulConstBOnly": True, "OpTypesToExcludeOutputQuantization": ["MatMul"]},
    )


def _weight_only(source: Path, target: Path, bits: int, options: Mapping[str, Any]) -> None:
    """Blocks of a column share a scale; the products are summed from 8-bit activations (accuracy level 4)."""
    algorithm = DefaultWeightOnlyQuantConfig(
        block_size=options["group_size"], is_symmetric=options["symmetric"], accuracy_level=4, bits=bits
    )
    quantizer = MatMulNBitsQuantizer(onnx.load(str(source)), algo_config=algorithm)
    quantizer.process()
    model = quantizer.model.model
    if options["embedding_bits"] == 8:
        quantize_embeddings(model, block=32)
    onnx.save(model, str(target))
