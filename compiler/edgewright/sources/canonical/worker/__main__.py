"""Entry of the import worker: one step, `import`."""

from __future__ import annotations

import os

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")

from edgewright.plugins.worker import run
from edgewright.sources.canonical.worker.importing import import_model

run({"import": import_model})
