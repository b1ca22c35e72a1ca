"""Kapitan in an environment of its own, made once from pinned requirements and kept in the cache."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import venv
from pathlib import Path

from edgewright.kernel.resources import cache_folder

PINS = Path(__file__).with_name("requirements-kapitan.txt")


def kapitan() -> tuple[Path | None, str]:
    """The command, or None and why there is none."""
    digest = hashlib.sha256(PINS.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = cache_folder() / "benchmarks" / f"kapitan-{digest}"
    tool = folder / "bin" / "kapitan"
    if tool.exists():
        return tool, ""
    print(f"installing kapitan into {folder}", file=sys.stderr)
    venv.create(folder, with_pip=True, clear=True)
    pip: list[str | Path] = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-deps"]
    done = subprocess.run([*pip, "--requirement", PINS], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        tool.unlink(missing_ok=True)
        return None, f"kapitan cannot be installed: {done.stderr.strip().splitlines()[-1][:200]}"
    return tool, ""
