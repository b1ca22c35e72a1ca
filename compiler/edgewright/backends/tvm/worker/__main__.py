"""Entry of the TVM worker: steps `build` and `emulate`."""

from __future__ import annotations

from edgewright.backends.tvm.worker.build import build
from edgewright.backends.tvm.worker.emulate import emulate
from edgewright.plugins.worker import run

run({"build": build, "emulate": emulate})
