"""Estimates of a blueprint's builds: what each build will need of its target.

Owns which numbers of a build go into the arithmetic of `budget`. Knows nothing of what is allowed to be said about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edgewright.check.budget import Estimate, Footprint, ModelFacts, estimate, weights_bytes
from edgewright.load.places import Path
from edgewright.plugins.protocols import Backend, BuildRequest, Refusal
from edgewright.spec.v1beta1.blueprint import BlueprintSpec, BuildSpec, GateSpec


@dataclass(frozen=True, slots=True)
class Variant:
    """One build for one target, all of whose names are known; `path` is where the target is written."""

    build: BuildSpec
    backend: Backend
    request: BuildRequest
    path: Path
    compression_path: Path
    refusal: Refusal | None

    @property
    def target_name(self) -> str:
        """Name of the target."""
        return self.request.target_name


@dataclass(frozen=True, slots=True)
class Estimated:
    """One build with its estimates; `weights` are bytes of weights on the device."""

    variant: Variant
    items: tuple[Estimate, ...]
    weights: float

    @property
    def memory(self) -> Estimate:
        """The estimate of memory."""
        return next(item for item in self.items if item.name == "memory")


def estimate_all(facts: ModelFacts, spec: BlueprintSpec, variants: Sequence[Variant]) -> Iterator[Estimated]:
    """The estimates of every build that its backend does not refuse."""
    for variant in variants:
        if variant.refusal is not None:
            continue
        request = variant.request
        footprint = footprint_of(variant.backend, request)
        items = estimate(
            facts,
            request.target,
            footprint,
            task=spec.model.task,
            context=spec.model.context,
            decode_rate_wanted=_wanted_rate(spec.gates, request.target_name, variant.build.backend),
        )
        yield Estimated(variant, items, weights_bytes(facts, footprint))


def footprint_of(backend: Backend, request: BuildRequest) -> Footprint:
    """What a backend that does not refuse a build adds to its model."""
    needs, recipe = backend.runtime(request), request.recipe
    return Footprint(backend.bits_per_weight(recipe), recipe.embedding_bits, needs.memory_bytes, needs.disk_bytes)


def _wanted_rate(gates: Sequence[GateSpec], target: str, backend: str) -> float | None:
    wanted = [
        gate.min
        for gate in gates
        if gate.metric == "decode_rate" and gate.min is not None and gate.covers(target=target, backend=backend)
    ]
    return max(wanted) if wanted else None
