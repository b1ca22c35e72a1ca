"""Checks mutated documents one after the other, in a process of its own, and prints what happened as JSON.

    python -m tests.mutation.worker REPOSITORY FIRST COUNT

Owns the measurements: seconds of each document and the peak memory of the process. What counts as a failure is for the
test to say.
"""

from __future__ import annotations

import contextlib
import io
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from tests.mutation.mutate import mutated

from edgewright.cli.main import run


def _check(repository: Path) -> dict[str, Any]:
    out, err = io.StringIO(), io.StringIO()
    started = time.perf_counter()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(["check", str(repository), "--output", "json"])
    seconds = time.perf_counter() - started
    document = json.loads(out.getvalue()) if out.getvalue().strip() else {}
    found = document.get("diagnostics", []) if isinstance(document, dict) else []
    errors = [item for item in found if item["severity"] == "error"]
    return {
        "code": code,
        "seconds": seconds,
        "reports": len(errors),
        "placed": sum(item["span"] is not None for item in errors),
        "slugs": sorted({item["slug"] for item in errors}),
        "unplaced": sorted({item["slug"] for item in errors if item["span"] is None}),
        "said": err.getvalue()[:500],
    }


def main(repository: Path, first: int, count: int) -> None:
    """Mutate every document of a good repository in turn."""
    paths = sorted(path for path in repository.rglob("*.yaml") if path.is_file())
    goods = tuple(path.read_bytes() for path in paths)
    _check(repository)  # what is imported and read once is nobody's fault
    results = []
    for seed in range(first, first + count):
        path, good = paths[seed % len(paths)], goods[seed % len(paths)]
        path.write_bytes(mutated(good, goods, seed))
        results.append({"seed": seed, "file": path.name, **_check(repository)})
        path.write_bytes(good)
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    json.dump({"results": results, "peak_kib": peak_kib}, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
