"""The environment that a runner's commands see: the tools, an own home, no network for pip."""

from __future__ import annotations

import os
import sys
from pathlib import Path

LONGEST_S = 900
BIN = Path(sys.executable).parent
COMPILER = Path(__file__).resolve().parents[3] / "compiler"
_KEPT = ("LANG", "EDGEWRIGHT_CACHE", "XDG_CACHE_HOME")


def environment(home: Path) -> dict[str, str]:
    """Variables of a fresh machine whose Python has edgewright installed already: pip must find nothing to fetch."""
    return {
        **{name: os.environ[name] for name in _KEPT if name in os.environ},
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "PYTHONPATH": str(COMPILER),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        "NO_COLOR": "1",
    }
