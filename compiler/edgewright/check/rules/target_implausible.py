"""The numbers of a target are those of a device that exists."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import warning_at
from edgewright.check.whole import Whole
from edgewright.kernel.diagnostics import Diagnostic
from edgewright.kernel.units import format_size
from edgewright.spec.v1beta1.target import TargetSpec

_MIB = 2**20
_BANDWIDTH = (0.2, 2000.0)
_POWER = (0.2, 3000.0)
_LEAST_MEMORY = 64 * _MIB
_LEAST_DISK = 64 * _MIB


def check(whole: Whole) -> Iterator[Diagnostic]:
    """Bandwidth, power, memory, disk and vector width of the repository's own targets."""
    for name, loaded in whole.own_targets:
        for key, text, hint in _problems(loaded.document.spec):
            yield warning_at(loaded, "target-implausible", f"{name}: {text}", ("spec", *key.split(".")), hint=hint)


def _problems(spec: TargetSpec) -> Iterator[tuple[str, str, str]]:
    low, high = _BANDWIDTH
    if not low <= spec.memory_bandwidth <= high:
        said = f"memoryBandwidth is {spec.memory_bandwidth:g} GB/s, {low:g} to {high:g} is usual"
        yield "memoryBandwidth", said, "it counts GB/s, not MB/s"
    low, high = _POWER
    if not low <= spec.power <= high:
        yield "power", f"power is {spec.power:g} W, {low:g} to {high:g} is usual", "it counts watts of the whole board"
    if spec.memory < _LEAST_MEMORY:
        said = f"memory is {format_size(spec.memory)}, at least {format_size(_LEAST_MEMORY)} is usual"
        yield "memory", said, "check the unit"
    if spec.disk < _LEAST_DISK:
        yield (
            "disk",
            f"disk is {format_size(spec.disk)}, at least {format_size(_LEAST_DISK)} is usual",
            "check the unit",
        )
    lanes = spec.isa.vector_floats
    if lanes & (lanes - 1):
        yield (
            "isa.vectorFloats",
            f"isa.vectorFloats is {lanes}, no power of two",
            "128 bits hold 4, 256 bits 8, 512 bits 16",
        )
