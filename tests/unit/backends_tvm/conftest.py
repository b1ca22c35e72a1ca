"""A tiny encoder as the export step would leave it, and a way to build it in the tvm environment."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgewright.backends.tvm.plugin import build_step
from edgewright.kernel.events import discard
from edgewright.plugins import environments, processes

RECIPE = {"name": "float32", "method": "float32"}
SOURCE = Path(__file__).with_name("tiny_encoder.py")

Build = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, Path]]:
    """The inputs of the build step for an encoder of a kind (`bert` or `gram`)."""
    made: dict[str, dict[str, Path]] = {}

    def write(kind: str) -> dict[str, Path]:
        if kind not in made:
            folder = tmp_path_factory.mktemp(kind)
            python = environments.ensure("tvm", discard)
            subprocess.run([python, SOURCE, folder, kind], check=True)
            made[kind] = {"onnx": folder / "onnx", "canonical": folder / "canonical"}
        return made[kind]

    return write


@pytest.fixture(scope="session")
def build(tiny: Callable[[str], dict[str, Path]]) -> Build:
    """Build a tiny encoder into a folder and return the worker's facts."""

    def run(output: Path, target: dict[str, Any], lengths: tuple[int, ...], kind: str = "bert") -> dict[str, Any]:
        output.mkdir()
        step = build_step(target, lengths, RECIPE)
        return processes.run_step(step, tiny(kind), output, subject="tiny", threads=1, events=discard)

    return run
