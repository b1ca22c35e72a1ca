"""How long commands take that people wait for: --help, and a compile with nothing changed.

The peer of --help is `ansible --version`, the other tool of this trade that is written in Python. The peer of a compile
with nothing changed is an interpreter that imports the same libraries and does nothing: the floor.
"""

from __future__ import annotations

import sys
import sysconfig
import tempfile
from pathlib import Path

from benchmarks.timing import compare, report

EXAMPLES = Path(__file__).parents[1] / "blueprints" / "examples"


def main() -> None:
    scripts = Path(sysconfig.get_path("scripts"))
    edgewright, ansible = str(scripts / "edgewright"), str(scripts / "ansible")
    floor = [sys.executable, "-c", "import click, jinja2, pydantic, yaml, rich"]
    check_one = [edgewright, "check", str(EXAMPLES / "store-assistant")]
    comparisons = [
        compare("edgewright --help", [edgewright, "--help"], [ansible, "--version"], goal="at most 150 ms"),
        compare("check, one example", check_one, floor, goal="at most 300 ms"),
    ]
    workspace = Path(__file__).parents[1] / ".demo"
    if (workspace / "keys" / "release").is_file():
        for name in ("store-assistant", "semantic-search"):
            ours = [edgewright, "compile", str(workspace / name), "--signing-key", str(workspace / "keys" / "release")]
            with tempfile.TemporaryDirectory() as cwd:
                comparisons.append(
                    compare(f"compile, nothing changed: {name}", ours, floor, goal="at most 1 s for both", cwd=cwd)
                )
    else:
        print("no .demo workspace: run `make demo` first to time a compile with nothing changed")
    report(comparisons)


if __name__ == "__main__":
    main()
