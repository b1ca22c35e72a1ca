"""Entry of the GenAI worker: one step, `build`."""

from __future__ import annotations

import os

os.environ.update(
    HF_HUB_OFFLINE="1",
    TRANSFORMERS_OFFLINE="1",
    TOKENIZERS_PARALLELISM="false",
    TQDM_DISABLE="1",
    ORTGENAI_LOG_LEVEL="3",
)

from edgewright.backends.onnxruntime_genai.worker.building import build
from edgewright.plugins.worker import run

run({"build": build})
