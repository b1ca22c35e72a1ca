"""The measurements of one artifact, as read from an evaluation's output.

Owns the reading of `measurements.json`; must not know gates. Invariant: a value in here is finite and was measured;
what is estimated or not a number is among the absent, with the reason.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edgewright.kernel.diagnostics import fail

FILE = "measurements.json"
LARGEST_BYTES = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measured number: its unit (`` for a ratio), over how many samples, under which conditions."""

    value: float
    unit: str
    n: int
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Measurements:
    """Everything that was measured of one artifact, why other things were not, on which machine; units of them all."""

    values: Mapping[str, Measurement]
    absent: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)

    def why_absent(self, metric: str) -> str:
        """The reason why a metric has no value."""
        return self.absent.get(metric, "it was not measured")


NOTHING = Measurements({})


def parse_measurements(data: bytes, subject: str) -> Measurements:
    """Read the bytes of `measurements.json`; raises `measurements-invalid`. `subject` names the artifact."""
    try:
        if len(data) > LARGEST_BYTES:
            raise ValueError(f"{len(data)} bytes, at most {LARGEST_BYTES} are read")
        document = json.loads(data)
        if not isinstance(document, dict) or document.get("schema") != 1:
            raise ValueError("schema 1 is needed")
        return from_document(document)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise fail("measurements-invalid", f"{subject}: {FILE} cannot be read: {error}", subject=subject) from None


def from_document(document: Mapping[str, Any]) -> Measurements:
    """Take the JSON value of `measurements.json`, which is also what the evaluation step answers."""
    values: dict[str, Measurement] = {}
    absent = {str(name): str(reason) for name, reason in document.get("absent", {}).items()}
    for name, entry in document["measurements"].items():
        value = entry["value"]
        if entry["kind"] != "measured":
            absent[name] = f"it is {entry['kind']}, not measured"
        elif isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            absent[name] = f"its value is {value!r:.40}"
        else:
            values[name] = Measurement(float(value), str(entry["unit"]), int(entry["n"]), entry.get("note"))
    return Measurements(values, absent, dict(document.get("machine", {})), dict(document.get("units", {})))
