"""The device's self-test over an artifact, in the worker environment that has its runtime and tokenizers."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import edgewright.device
from edgewright.kernel.events import discard
from edgewright.plugins import environments

_SOURCES = Path(edgewright.device.__file__).parents[2]
_PROGRAM = """
import json, pathlib, sys
from edgewright.device.artifact import read_vector
from edgewright.device.runtimes.load import load
from edgewright.device.service.selftest import run_selftest
folder = pathlib.Path(sys.argv[1])
print(json.dumps(run_selftest(load(folder), read_vector(folder), budget_s=0.01)))
"""


def selftest(environment: str, artifact: Path) -> Any:
    """What `/selftest` of a device with this artifact answers."""
    done = subprocess.run(
        [environments.ensure(environment, discard), "-c", _PROGRAM, artifact],
        env={"PYTHONPATH": str(_SOURCES), "PYTHONDONTWRITEBYTECODE": "1"},
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout)
