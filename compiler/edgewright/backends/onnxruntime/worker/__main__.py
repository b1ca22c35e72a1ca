"""Entry of the ONNX worker: steps `export-onnx` and `build`."""

from __future__ import annotations

import os

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")

from edgewright.backends.onnxruntime.worker.building import build
from edgewright.backends.onnxruntime.worker.exporting import export_onnx
from edgewright.plugins.worker import run

run({"export-onnx": export_onnx, "build": build})
