"""Finds the Ansible commands: beside this interpreter first, then on PATH."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from edgewright.kernel.diagnostics import ExitCode, fail


def search_path() -> str:
    """PATH with this interpreter's own folder in front, where the extra `fleet` puts its commands."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


def ansible_tool(name: str) -> str:
    """Path of `ansible-playbook` or `ansible-inventory`; a missing one is a `missing-tool` diagnostic."""
    found = shutil.which(name, path=search_path())
    if found is None:
        raise fail(
            "missing-tool",
            f"{name} is missing; it is needed to reach devices",
            exit_code=ExitCode.MISSING,
            subject=name,
            hint="pip install 'edgewright[fleet]', then run the command again",
        )
    return found
