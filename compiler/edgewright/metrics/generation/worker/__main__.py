"""Entry of the worker process."""

from edgewright.metrics.generation.worker.evaluation import evaluate
from edgewright.plugins.worker import run

run({"evaluate": evaluate})
