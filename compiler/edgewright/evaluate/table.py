"""The table of recipes: what each recipe on offer costs and keeps, and whether the gates would let it ship.

Pure data; printing is the command line's. Invariant: a cell is a measured number or empty, never a guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from edgewright.evaluate.explain import format_value
from edgewright.evaluate.gates import GateResult, Verdict, judge, overall
from edgewright.evaluate.measurements import Measurements
from edgewright.spec.v1beta1.blueprint import GateSpec


@dataclass(frozen=True, slots=True)
class Column:
    """A measured column: the metric and its heading."""

    metric: str
    title: str


COLUMNS: Final[Mapping[str, tuple[Column, ...]]] = MappingProxyType(
    {
        "text-generation": (
            Column("artifact_size", "size"),
            Column("kl_divergence_mean", "KL mean"),
            Column("kl_divergence_p99", "KL 99 %"),
            Column("top1_agreement", "top-1"),
            Column("perplexity_ratio", "perplexity ratio"),
        ),
        "embeddings": (
            Column("artifact_size", "size"),
            Column("cosine_mean", "cosine mean"),
            Column("cosine_min", "cosine min"),
            Column("similarity_correlation", "similarity correlation"),
            Column("retrieval_agreement", "retrieval agreement"),
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Cell:
    """A measured number and how it is written; both None when it was not measured."""

    value: float | None
    text: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """One recipe on one backend for one target. `ships` marks the recipe that the blueprint chooses."""

    recipe: str
    backend: str
    target: str
    ships: bool
    cells: tuple[Cell, ...]
    verdict: Verdict
    red: tuple[str, ...]
    """Names of the metrics whose gates do not pass, in the order of the blueprint."""
    results: tuple[GateResult, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A built and measured recipe."""

    recipe: str
    backend: str
    target: str
    ships: bool
    measurements: Measurements


@dataclass(frozen=True, slots=True)
class Table:
    """Columns and rows, in the order the policy names its candidates."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


def recipe_table(task: str, gates: Sequence[GateSpec], candidates: Iterable[Candidate]) -> Table:
    """Judge every candidate by the same gates."""
    columns = COLUMNS[task]
    return Table(columns, tuple(_row(columns, gates, candidate) for candidate in candidates))


def _row(columns: Sequence[Column], gates: Sequence[GateSpec], candidate: Candidate) -> Row:
    results = judge(gates, candidate.measurements, backend=candidate.backend, target=candidate.target)
    return Row(
        recipe=candidate.recipe,
        backend=candidate.backend,
        target=candidate.target,
        ships=candidate.ships,
        cells=tuple(_cell(candidate.measurements, column.metric) for column in columns),
        verdict=overall(results),
        red=tuple(dict.fromkeys(result.metric for result in results if result.verdict is not Verdict.PASS)),
        results=results,
    )


def _cell(measurements: Measurements, metric: str) -> Cell:
    measurement = measurements.values.get(metric)
    if measurement is None:
        return Cell(None, None)
    return Cell(measurement.value, format_value(measurement.value, measurement.unit))
