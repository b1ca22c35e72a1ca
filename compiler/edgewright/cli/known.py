"""The numbers that are known of an artifact: measured in the store or in a release's evidence, else estimated.

Owns which source wins: the store of this machine (by the artifact's key), then the release in `dist/` when its
provenance names this very blueprint document, then the formulas of `check.budget`. Runs nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgewright.build.store import Result, Store
from edgewright.check.budget import ModelFacts, estimate, weights_bytes
from edgewright.check.estimates import footprint_of
from edgewright.evaluate.measurements import FILE as MEASUREMENTS
from edgewright.evaluate.measurements import parse_measurements
from edgewright.kernel.diagnostics import EdgewrightError
from edgewright.kernel.digest import Digest, hex_of
from edgewright.kernel.files import read_bounded
from edgewright.kernel.units import format_size
from edgewright.load.documents import Loaded
from edgewright.plan.numbers import Number
from edgewright.plugins.protocols import Backend, BuildRequest
from edgewright.spec.v1beta1.blueprint import Blueprint

_LARGEST_EVIDENCE_BYTES = 16 << 20
_FACTS = "facts.json"
"""In the canonical model that an import makes."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a verified release says of its targets: files of the artifact by digest, and measured numbers."""

    blobs: Mapping[str, Mapping[Digest, int]] = field(default_factory=dict)
    numbers: Mapping[str, Mapping[str, Number]] = field(default_factory=dict)


NO_EVIDENCE = Evidence()


def read_evidence(dist: Path, loaded: Loaded[Blueprint], signers: bytes | None) -> Evidence:
    """The evidence of the release in `dist`, if it is whole, signed, and made from this document; else nothing."""
    if signers is None or not (dist / "evidence" / "statement.json").is_file():
        return NO_EVIDENCE
    from edgewright.package.verify import verify_release

    try:
        view = verify_release(dist, allowed_signers=signers, deep=False)
        provenance = _read_json(dist / "evidence" / "provenance.json")
        results = _read_json(dist / "evidence" / "test-results.json")
        if not _is_made_from(provenance, loaded):
            return NO_EVIDENCE
        measured = results["predicate"]["measurements"]
        origin = f"release {view.version}, created {view.created}"
        numbers = {target: _gate_numbers(gates, origin) for target, gates in measured.items()}
    except (EdgewrightError, OSError, ValueError, KeyError, TypeError, AttributeError):
        return NO_EVIDENCE  # a release that does not verify says nothing; `edgewright verify` says why
    blobs = {
        name: {layer.digest: layer.size for layer in target.layers if layer.role == "artifact"}
        for name, target in view.targets.items()
    }
    return Evidence(blobs, numbers)


def _read_json(path: Path) -> Any:
    return json.loads(read_bounded(path, _LARGEST_EVIDENCE_BYTES))


def _is_made_from(provenance: Any, loaded: Loaded[Blueprint]) -> bool:
    found = provenance["predicate"]["buildDefinition"]["resolvedDependencies"]
    return any(
        item.get("name") == loaded.path and item.get("digest", {}).get("sha256") == hex_of(loaded.digest)
        for item in found
    )


def _gate_numbers(gates: Any, origin: str) -> dict[str, Number]:
    return {
        str(gate["metric"]): Number(float(gate["value"]), str(gate.get("unit", "")), "measured", origin)
        for gate in gates
        if gate.get("value") is not None
    }


def imported_facts(store: Store, result: Result | None) -> ModelFacts | None:
    """The facts of an imported model, from the result of its import; None when it was not imported."""
    if result is None or _FACTS not in result.tree:
        return None
    return ModelFacts.from_import(json.loads(store.blob(result.tree[_FACTS].digest).read_bytes()))


class KnownResults:
    """Results of the store, each read once for all cohorts that share it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._results: dict[Digest, Result | None] = {}
        self._numbers: dict[Digest, dict[str, Number]] = {}

    def result(self, key: Digest | None) -> Result | None:
        """The result of an action, if the store has it."""
        if key is None:
            return None
        if key not in self._results:
            self._results[key] = self.store.result(key)
        return self._results[key]

    def blobs(self, artifact: Digest | None) -> Mapping[Digest, int] | None:
        """The files of an artifact by digest; None when it is not in the store."""
        result = self.result(artifact)
        return {entry.digest: entry.size for entry in result.tree.values()} if result else None

    def numbers(self, artifact: Digest | None, measurements: Digest | None) -> dict[str, Number]:
        """What the store knows of an artifact: its size, and what was measured of it."""
        found: dict[str, Number] = {}
        built = self.result(artifact)
        if built is not None:
            size = sum(entry.size for entry in built.tree.values())
            found["artifact_size"] = Number(size, "B", "measured", "files of the artifact in the store")
        result = self.result(measurements)
        if result is not None and measurements is not None and MEASUREMENTS in result.tree:
            if measurements not in self._numbers:
                self._numbers[measurements] = _measured(self.store, measurements, result)
            found |= self._numbers[measurements]
        return found


def _measured(store: Store, key: Digest, result: Result) -> dict[str, Number]:
    document = parse_measurements(store.blob(result.tree[MEASUREMENTS].digest).read_bytes(), key)
    machine = document.machine.get("cpu") or document.machine.get("architecture") or "this machine"
    when = store.recorded(key)
    where = f"on {machine}, {when:%Y-%m-%d}" if when else f"on {machine}"
    return {
        name: Number(item.value, item.unit, "measured", f"{where}, n = {item.n}")
        for name, item in document.values.items()
    }


def estimated_numbers(facts: ModelFacts | None, backend: Backend, request: BuildRequest) -> dict[str, Number]:
    """Size, memory and decode rate by formula; nothing when the model's facts are not known."""
    if facts is None or backend.refuse(request) is not None:
        return {}
    footprint = footprint_of(backend, request)
    model = request.blueprint.model
    items = estimate(facts, request.target, footprint, task=model.task, context=model.context)
    names = {"memory": "peak_memory", "decode_rate": "decode_rate"}
    found = {
        names[item.name]: Number(item.value, item.unit, "estimated", f"{item.formula}, from {facts.origin} facts")
        for item in items
        if item.name in names
    }
    weights = weights_bytes(facts, footprint)
    words = f"{facts.parameters:,} parameters x {footprint.bits_per_weight:g} bits, from {facts.origin} facts"
    found["artifact_size"] = Number(weights, "B", "estimated", words)
    return found


def release_disk(numbers: Mapping[str, Number], backend: Backend, request: BuildRequest) -> Number | None:
    """What one release takes of the disk: the artifact and the unpacked runtime."""
    size = numbers.get("artifact_size")
    if size is None or backend.refuse(request) is not None:
        return None
    runtime = backend.runtime(request).disk_bytes
    words = f"artifact {format_size(size.value)} ({size.kind}) + runtime {format_size(runtime)}"
    return Number(size.value + runtime, "B", "estimated", words)
