"""Red gates as diagnostics: the number that is wrong, the number that is allowed, what to do next.

Pure. Owns the wording and the way numbers are written for people; the caller knows the span of each gate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from edgewright.evaluate.gates import GateResult, Verdict
from edgewright.kernel.diagnostics import Diagnostic, Span
from edgewright.kernel.units import format_duration, format_size

_HINTS = {
    "kl_divergence_mean": "choose a recipe that keeps more bits; `edgewright evaluate` prints what each recipe costs",
    "kl_divergence_p99": "choose a recipe that keeps more bits; `edgewright evaluate` prints what each recipe costs",
    "top1_agreement": "choose a recipe that keeps more bits; `edgewright evaluate` prints what each recipe costs",
    "perplexity_ratio": "choose a recipe that keeps more bits; `edgewright evaluate` prints what each recipe costs",
    "cosine_mean": "choose a recipe that keeps more bits, or calibrate on text like your own",
    "cosine_min": "choose a recipe that keeps more bits, or calibrate on text like your own",
    "artifact_size": "choose a recipe with fewer bits, or raise the bound if the devices have the room",
}


def format_value(value: float, unit: str) -> str:
    """A measured number for people: `256.1 MiB`, `281 ms`, `56.2 tokens/s`, `0.00504`."""
    if unit == "B":
        return format_size(value)
    if unit == "s":
        return format_duration(value)
    number = f"{value:.6g}" if abs(value) >= 1000 or abs(1 - abs(value)) < 0.01 else f"{value:.3g}"
    return f"{number} {unit}" if unit else number


def format_bound(result: GateResult) -> str:
    """The condition for people: `at most 0.02`, `at least 0.93`, `from 0.9 to 1.1`."""
    low = None if result.min is None else format_value(result.min, result.unit)
    high = None if result.max is None else format_value(result.max, result.unit)
    if low is not None and high is not None:
        return f"from {low} to {high}"
    return f"at least {low}" if low is not None else f"at most {high}"


def red_gates(
    results: Iterable[GateResult], *, subject: str, span_of: Callable[[int], Span | None]
) -> tuple[Diagnostic, ...]:
    """A diagnostic for every gate that does not pass. `subject` names the build, `span_of` finds gate `index`."""
    return tuple(
        _diagnostic(result, subject, span_of(result.index)) for result in results if result.verdict is not Verdict.PASS
    )


def no_gate(*, subject: str, span: Span | None) -> Diagnostic:
    """The diagnostic for an artifact that no `where: build` gate covers."""
    return Diagnostic(
        "gate-none",
        f"{subject} is covered by 0 gates, at least 1 is needed",
        span=span,
        subject=subject,
        hint="write a gate that applies to this backend and target",
    )


def _diagnostic(result: GateResult, subject: str, span: Span | None) -> Diagnostic:
    if result.verdict is Verdict.INCONCLUSIVE:
        return Diagnostic(
            "gate-not-measured",
            f"{subject}: {result.metric} has no value, {format_bound(result)} is allowed",
            span=span,
            subject=subject,
            notes=(result.note,) if result.note else (),
            hint="limit the gate to targets where it can be measured, or ask the device (where: device)",
        )
    value = format_value(result.value if result.value is not None else float("nan"), result.unit)
    return Diagnostic(
        "gate-failed",
        f"{subject}: {result.metric} is {value}, {format_bound(result)} is allowed",
        span=span,
        subject=subject,
        notes=(result.note,) if result.note else (),
        hint=_HINTS.get(result.metric),
    )
