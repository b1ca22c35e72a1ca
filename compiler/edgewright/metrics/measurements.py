"""The result of an evaluation step: `measurements.json`.

Owns its shape. Every number is measured and says on how many samples; what could not be measured is listed with its
reason under `absent`, never with a number. Imports the standard library only: it is staged beside the workers.
"""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FILE = "measurements.json"


class Measurements:
    """Collects measurements of one artifact. `units` are the metric set's own: an unknown name is a bug."""

    def __init__(self, units: Mapping[str, str]) -> None:
        self._units = units
        self._measured: dict[str, dict[str, Any]] = {}
        self._absent: dict[str, str] = {}

    def add(self, metric: str, value: float, n: int, note: str | None = None) -> None:
        """Add a measured value over `n` samples; a value that is not finite counts as not measured."""
        if not math.isfinite(value):
            self.absent(metric, f"the measured value is {value}")
            return
        entry: dict[str, Any] = {"value": float(value), "unit": self._units[metric], "kind": "measured", "n": n}
        if note:
            entry["note"] = note
        self._measured[metric] = entry

    def absent(self, metric: str, reason: str) -> None:
        """Say why a metric of the set has no value."""
        if metric not in self._units:
            raise KeyError(metric)
        self._absent[metric] = reason

    def document(self) -> dict[str, Any]:
        """The JSON value; a metric of the set that nobody mentioned is absent too."""
        for metric in self._units:
            if metric not in self._measured:
                self._absent.setdefault(metric, "not measured for this artifact")
        absent = {name: reason for name, reason in self._absent.items() if name not in self._measured}
        return {
            "schema": 1,
            "measurements": self._measured,
            "absent": absent,
            "units": dict(self._units),
            "machine": machine(),
        }

    def write(self, folder: Path) -> dict[str, Any]:
        """Write the file and return its value."""
        document = self.document()
        text = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
        (folder / FILE).write_text(text + "\n", encoding="utf-8")
        return document


def machine() -> dict[str, str]:
    """The machine that measured: architecture and CPU name, as far as the kernel tells."""
    name = ""
    path = Path("/proc/cpuinfo")
    if path.is_file():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith(("model name", "Model")):
                name = line.partition(":")[2].strip()
                break
    return {"architecture": platform.machine(), "cpu": name or "unknown"}


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below a folder: what the artifact takes on a device's disk."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
