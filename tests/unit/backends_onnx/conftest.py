"""Tiny models through the real workers, in their real environments: imported and exported once a session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.unit.sources_canonical import samples

from edgewright.backends.onnxruntime.steps import export_step
from edgewright.kernel.events import discard
from edgewright.plugins.processes import run_step
from edgewright.plugins.protocols import WorkerStep
from edgewright.sources.canonical.plugin import CanonicalImporter

Runner = Callable[[WorkerStep, Mapping[str, Path]], tuple[Path, dict[str, Any]]]


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """Run a step on named inputs; gives its output folder and its facts."""

    def runner(step: WorkerStep, inputs: Mapping[str, Path]) -> tuple[Path, dict[str, Any]]:
        output = tmp_path_factory.mktemp(step.step)
        facts = run_step(step, inputs, output, subject="test", threads=2, events=discard)
        return output, facts

    return runner


@pytest.fixture(scope="session")
def encoder(run: Runner, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The canonical folder of a random BERT."""
    source = samples.bert_folder(tmp_path_factory.mktemp("bert"))
    return run(CanonicalImporter().step("embeddings", None, 64), {"source": source})[0]


@pytest.fixture(scope="session")
def graph(run: Runner, encoder: Path) -> Path:
    """Its float32 ONNX export."""
    return run(export_step(), {"model": encoder})[0]


@pytest.fixture(scope="session")
def decoder(run: Runner, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The canonical folder of a random llama."""
    source = samples.llama_folder(tmp_path_factory.mktemp("llama"))
    return run(CanonicalImporter().step("text-generation", None, 128), {"source": source})[0]
