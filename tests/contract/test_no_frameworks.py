"""Loading every plugin imports no framework: the command line stays light, and works without them."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
from edgewright.plugins.registry import GROUPS, Registry
registry = Registry()
for group in GROUPS:
    for name in registry.names(group):
        registry.load(group, name)
frameworks = "torch tvm onnx onnxruntime onnxruntime_genai optimum transformers numpy tokenizers gguf".split()
found = [name for name in frameworks if name in sys.modules]
sys.exit(f"imported: {found}" if found else 0)
"""


def test_plugins_load_without_frameworks() -> None:
    finished = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=60)
    assert finished.returncode == 0, finished.stderr[-2000:]
