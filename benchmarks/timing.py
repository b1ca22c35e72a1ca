"""Runs two commands in turn, A B A B …, and compares their wall times pair by pair."""

from __future__ import annotations

import json
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Comparison:
    """Medians in seconds of two commands run in turn, and the median of the ratios of the pairs (ours / peer)."""

    name: str
    ours: str
    peer: str
    ours_median_s: float
    peer_median_s: float
    ratio_median: float
    goal: str
    runs: int


def _seconds(argv: Sequence[str], cwd: str | None) -> float:
    started = time.perf_counter()
    finished = subprocess.run(argv, cwd=cwd, capture_output=True, check=False)
    elapsed = time.perf_counter() - started
    if finished.returncode != 0:
        raise SystemExit(f"{' '.join(argv)} exited with {finished.returncode}: {finished.stderr.decode()[-500:]}")
    return elapsed


def compare(
    name: str, ours: Sequence[str], peer: Sequence[str], *, goal: str, runs: int = 9, cwd: str | None = None
) -> Comparison:
    """One uncounted run of each, then `runs` pairs."""
    _seconds(ours, cwd), _seconds(peer, cwd)
    pairs = [(_seconds(ours, cwd), _seconds(peer, cwd)) for _ in range(runs)]
    return Comparison(
        name,
        " ".join(ours[-4:]),
        " ".join(peer[-4:])[:60],
        statistics.median(a for a, _ in pairs),
        statistics.median(b for _, b in pairs),
        statistics.median(a / b for a, b in pairs),
        goal,
        runs,
    )


def report(comparisons: Sequence[Comparison]) -> None:
    """JSON lines first, for machines; then a table."""
    for comparison in comparisons:
        print(json.dumps(asdict(comparison)))
    print(f"{'what':34} {'ours':>9} {'peer':>9} {'ratio':>7}  goal")
    for c in comparisons:
        ours, peer = c.ours_median_s * 1e3, c.peer_median_s * 1e3
        print(f"{c.name:34} {ours:7.0f} ms {peer:6.0f} ms {c.ratio_median:7.2f}  {c.goal}")
