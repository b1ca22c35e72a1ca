"""Whatever a document looks like, `check` ends with a report that has a place: no traceback, no hang, no full memory.

Every run takes the same documents; `EDGEWRIGHT_MUTATIONS` asks for another number, `EDGEWRIGHT_SEED` for others.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.mutation.mutate import mutated

from edgewright.cli.main import run

DOCUMENTS = int(os.environ.get("EDGEWRIGHT_MUTATIONS", "10000"))
FIRST_SEED = int(os.environ.get("EDGEWRIGHT_SEED", "0"))
SECONDS_ALLOWED = 1.0
MEMORY_ALLOWED_KIB = 256 * 1024
PLACED_SHARE = 0.95
_ROOT = Path(__file__).parents[2]
_GOOD = Path(__file__).parent / "repository"
_PROCESSES = 2
_PYTHONPATH = f"{_ROOT / 'compiler'}:{_ROOT}"


def _run(folder: Path, first: int, count: int) -> dict[str, Any]:
    shutil.copytree(_GOOD, folder)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder.parent),
        "PYTHONPATH": f"{_ROOT / 'compiler'}:{_ROOT}",
    }
    finished = subprocess.run(
        [sys.executable, "-m", "tests.mutation.worker", str(folder), str(first), str(count)],
        env=environment,
        capture_output=True,
        timeout=1800,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr.decode(errors="replace")[-4000:]
    result: dict[str, Any] = json.loads(finished.stdout)
    return result


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("mutations")
    share = DOCUMENTS // _PROCESSES
    with ThreadPoolExecutor(_PROCESSES) as pool:
        parts = range(_PROCESSES)
        return list(pool.map(lambda part: _run(folder / str(part) / "fleet", FIRST_SEED + part * share, share), parts))


@pytest.fixture(scope="module")
def results(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [result for run in runs for result in run["results"]]


def test_good_repository_is_right_before_it_is_mutated(tmp_path: Path) -> None:
    shutil.copytree(_GOOD, tmp_path / "fleet")
    assert run(["check", str(tmp_path / "fleet")]) == 0


def test_equal_seeds_make_equal_documents() -> None:
    goods = tuple(path.read_bytes() for path in sorted(_GOOD.rglob("*.yaml")))
    first = [mutated(goods[seed % len(goods)], goods, seed) for seed in range(200)]
    assert first == [mutated(goods[seed % len(goods)], goods, seed) for seed in range(200)]
    assert sum(document != goods[seed % len(goods)] for seed, document in enumerate(first)) > 190


def test_no_document_ends_in_a_traceback(results: list[dict[str, Any]]) -> None:
    assert len(results) == DOCUMENTS // _PROCESSES * _PROCESSES
    wrong = [(r["seed"], r["code"], r["said"]) for r in results if r["code"] not in (0, 3) or "Traceback" in r["said"]]
    assert wrong == []


def test_no_document_hangs(results: list[dict[str, Any]]) -> None:
    assert [(r["seed"], r["seconds"]) for r in results if r["seconds"] > SECONDS_ALLOWED] == []


def test_no_document_fills_the_memory(runs: list[dict[str, Any]]) -> None:
    assert [run["peak_kib"] for run in runs if run["peak_kib"] > MEMORY_ALLOWED_KIB] == []


def test_nearly_every_report_has_a_file_and_a_line(results: list[dict[str, Any]]) -> None:
    reports, placed = sum(r["reports"] for r in results), sum(r["placed"] for r in results)
    without = sorted({slug for r in results for slug in r["unplaced"]})
    assert reports > DOCUMENTS
    assert placed >= PLACED_SHARE * reports, f"{placed} of {reports} have a place; without: {', '.join(without)}"


def test_mutations_reach_many_rules(results: list[dict[str, Any]]) -> None:
    """A mutation test that only ever sees one parser error proves nothing."""
    assert len({slug for r in results for slug in r["slugs"]}) >= 30
