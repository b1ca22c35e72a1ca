"""The environment that a runner's commands see: the tools, an own home, and an index of packages only if it is said."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from edgewright.kernel.resources import cache_folder

LONGEST_S = 900
BIN = Path(sys.executable).parent
COMPILER = Path(__file__).resolve().parents[3] / "compiler"
_ALONE = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}


def environment(home: Path, *, builds: bool = False) -> dict[str, str]:
    """Variables of a machine whose Python has edgewright installed already, so that pip has nothing to fetch.

    A machine that `builds` has the index, the worker environments and the store of this user."""
    index = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    return {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "PYTHONPATH": str(COMPILER),
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        "NO_COLOR": "1",
        **(index | {"EDGEWRIGHT_CACHE": str(cache_folder())} if builds else _ALONE),
    }
