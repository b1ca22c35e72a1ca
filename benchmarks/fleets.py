"""Fleets of 1,000, 10,000 and 100,000 devices: plan, check and a compile with nothing to do, beside their peers.

Each size is one inventory in YAML; Kapitan gets one target a device and one template of one line, the least it can do.
Runs go in turn, ours and the peer's. `python -m benchmarks.fleets 1000 10000` measures these sizes only.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.fleet_files import edit_one_device, write_kapitan, write_repository
from benchmarks.kapitan import kapitan
from benchmarks.resources import Run, measure

SIZES = (1_000, 10_000, 100_000)
BLUEPRINTS = 1_000
GOALS = {
    "plan, cold, 10,000 devices": "at most 2.5 s",
    "plan, one device edited, 10,000 devices": "at most 0.5 s",
    "plan, cold, 100,000 devices": "at most 30 s, 1 GB",
}
SCRIPTS = Path(sysconfig.get_path("scripts"))


@dataclass(frozen=True, slots=True)
class Result:
    """Medians of one command; `ratio` is wall time over that of the peer, by pairs, `cpu_ratio` the same of CPU time.

    CPU time is user and system of all processes: it says more than wall time on a machine that others use, too.
    """

    name: str
    wall_s: float
    cpu_s: float
    peak_mb: float
    peer: str = ""
    peer_wall_s: float | None = None
    peer_cpu_s: float | None = None
    peer_peak_mb: float | None = None
    ratio: float | None = None
    cpu_ratio: float | None = None
    goal: str = ""


def result(name: str, ours: Sequence[Run], peer_name: str = "", peer: Sequence[Run] = ()) -> Result:
    """Medians; the ratio is the median of ours over theirs, pair by pair."""
    known = {
        "name": name,
        "wall_s": statistics.median(run.wall_s for run in ours),
        "cpu_s": statistics.median(run.cpu_s for run in ours),
        "peak_mb": max(run.peak_bytes for run in ours) / 1e6,
        "goal": GOALS.get(name, ""),
    }
    if peer:
        known |= {
            "peer": peer_name,
            "peer_wall_s": statistics.median(run.wall_s for run in peer),
            "peer_cpu_s": statistics.median(run.cpu_s for run in peer),
            "peer_peak_mb": max(run.peak_bytes for run in peer) / 1e6,
            "ratio": statistics.median(a.wall_s / b.wall_s for a, b in zip(ours, peer, strict=False)),
            "cpu_ratio": statistics.median(a.cpu_s / b.cpu_s for a, b in zip(ours, peer, strict=False)),
        }
    return Result(**known)  # type: ignore[arg-type]


class Bench:
    """Ours and the peers over fleets in one scratch folder."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.edgewright = SCRIPTS / "edgewright"
        self.ansible = SCRIPTS / "ansible-inventory"
        self.kapitan, self.why = kapitan()

    def ours(self, *words: str | Path, cache: Path | None = None, expected: int = 0) -> Run:
        """One run of edgewright; with `cache` nothing that this machine keeps is used."""
        env = {**os.environ, **({"EDGEWRIGHT_CACHE": str(cache)} if cache else {})}
        return measure([self.edgewright, *words], env=env, expected=expected)

    def plans(self, size: int) -> Iterable[Result]:
        """plan, cold and after an edit, plan --base of the edit, check; with a peer where it ends within a minute."""
        root = write_repository(self.scratch / f"fleet-{size}", size)
        commit(root)
        label, most = f"{size:,} devices", runs_of(size)
        cold, peers = [], dict[str, list[Run]]()
        for number in range(most):
            cold.append(self.ours("plan", root, cache=self.scratch / f"cache-{size}-{number}"))
            for name, run in self._peers(size, root) if number < peer_runs_of(size) else ():
                peers.setdefault(name, []).append(run)
        yield result(f"plan, cold, {label}", cold, "kapitan compile", peers.get("kapitan compile", ()))
        edited, based, again = [], [], []
        for number in range(most):
            edit_one_device(root, number)
            edited.append(self.ours("plan", root))
            based.append(self.ours("plan", root, "--base", "HEAD"))
            if "kapitan compile" in peers and number < peer_runs_of(size):
                again.append(self._kapitan(size))
        yield result(f"plan, one device edited, {label}", edited, "kapitan compile again", again)
        yield result(f"plan --base, one device edited, {label}", based, "kapitan compile again", again)
        listing = peers.get("ansible-inventory --list", ())
        checks = [self.ours("check", root) for _ in range(most)]
        yield result(f"check, {label}", checks, "ansible-inventory --list", listing)

    def _peers(self, size: int, root: Path) -> Iterable[tuple[str, Run]]:
        if self.kapitan is not None:
            if not (self.scratch / f"kapitan-{size}").exists():
                write_kapitan(self.scratch / f"kapitan-{size}", size)
            yield "kapitan compile", self._kapitan(size)
        if self.ansible.exists():
            inventory = root / "inventory" / "hosts.yaml"
            yield "ansible-inventory --list", measure([self.ansible, "-i", inventory, "--list"], cwd=self.scratch)

    def _kapitan(self, size: int) -> Run:
        assert self.kapitan is not None
        return measure([self.kapitan, "compile"], cwd=self.scratch / f"kapitan-{size}")

    def unchanged(self, size: int) -> Iterable[Result]:
        """A compile with nothing to do; takes what `make demo` compiled, because that needs minutes and a key."""
        workspace = Path(__file__).parents[1] / ".demo"
        key, compiled = workspace / "keys" / "release", workspace / "store-assistant"
        if not (key.is_file() and (compiled / "dist").is_dir()):
            print("skipped a compile with nothing to do: run `make demo` first")
            return
        root = write_repository(self.scratch / "compiled", size)
        shutil.copy(compiled / "allowed_signers", root)
        commit(root)
        words: list[str | Path] = ["compile", root, "--signing-key", key]
        first = self.ours(*words)
        print(f"the first compile took {first.wall_s:.1f} s", file=sys.stderr)
        runs = [self.ours(*words) for _ in range(runs_of(size))]
        peer = [self._kapitan(size)] if self.kapitan and (self.scratch / f"kapitan-{size}").exists() else []
        yield result(f"compile, nothing changed, {size:,} devices", runs, "kapitan compile again", peer)

    def blueprints(self) -> Iterable[Result]:
        """check of many blueprints over one fleet."""
        root = write_repository(self.scratch / "blueprints", BLUEPRINTS, blueprints=BLUEPRINTS)
        ours, peer = [], []
        for _ in range(3):
            ours.append(self.ours("check", root))
            if self.kapitan is not None and (self.scratch / f"kapitan-{BLUEPRINTS}").exists():
                peer.append(self._kapitan(BLUEPRINTS))
        yield result(f"check, {BLUEPRINTS:,} blueprints", ours, "kapitan compile", peer)


def runs_of(size: int) -> int:
    """How often ours runs; medians are told."""
    return 5 if size <= 10_000 else 2


def peer_runs_of(size: int) -> int:
    """How often a peer runs; at 10,000 targets it takes half a minute, beyond that it is left out."""
    return 3 if size <= 1_000 else 1 if size <= 10_000 else 0


def commit(root: Path) -> None:
    """Make the fleet a repository of Git with one commit."""
    who = ["-c", "user.name=benchmark", "-c", "user.email=benchmark@localhost", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "fleet"]):
        subprocess.run(["git", "-C", root, *words], check=True, capture_output=True)


def show(results: Sequence[Result]) -> None:
    """JSON lines first, for machines; then a table."""
    for each in results:
        print(json.dumps(asdict(each)))
    print(
        f"{'what':46} {'wall':>8} {'CPU':>8} {'peak':>7}   {'peer':>8} {'CPU':>8} {'peak':>7} {'ratio':>6} {'CPU':>6}"
    )
    for r in results:
        ours = f"{r.name:46} {r.wall_s:6.2f} s {r.cpu_s:6.2f} s {r.peak_mb:4.0f} MB"
        peer = ""
        if r.peer_wall_s:
            peer = f"   {r.peer_wall_s:6.2f} s {r.peer_cpu_s:6.2f} s {r.peer_peak_mb:4.0f} MB"
            peer += f" {r.ratio:6.3f} {r.cpu_ratio:6.3f}  {r.peer}"
        print(ours + peer + (f"  goal: {r.goal}" if r.goal else ""))


def per_device(results: Sequence[Result]) -> str | None:
    """Time per device at the largest size over that at a tenth of it."""
    by_name = {each.name: each for each in results}
    large, small = (by_name.get(f"plan, cold, {size:,} devices") for size in (100_000, 10_000))
    if large is None or small is None:
        return None
    ratio = (large.cpu_s / 100_000) / (small.cpu_s / 10_000)
    return f"CPU time per device at 100,000 is {ratio:.2f} x that at 10,000 (goal: at most 1.1)"


def main(sizes: Sequence[int] = SIZES) -> None:
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="edgewright-bench-") as scratch:
        bench = Bench(Path(scratch))
        if bench.kapitan is None:
            print(f"skipped kapitan: {bench.why}")
        steps: list[Callable[[], Iterable[Result]]] = [lambda size=size: bench.plans(size) for size in sizes]  # type: ignore[misc]
        for step in (*steps, lambda: bench.unchanged(10_000), bench.blueprints):
            for each in step():
                print(f"{each.name}: {each.wall_s:.2f} s", file=sys.stderr)
                results.append(each)
    show(results)
    told = per_device(results)
    if told:
        print(told)
    print(f"load of this machine: {', '.join(f'{load:.1f}' for load in os.getloadavg())} on {os.cpu_count()} CPUs")


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or SIZES)
