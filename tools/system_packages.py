"""Installs the Debian packages that builds and the lab use: when root, printed first; else says what is absent.

Standard library only: it runs before there is a virtual environment. Packages already there cost nothing.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

LISTS = (Path(__file__).parent / "packages.txt", Path(__file__).parents[1] / "tests" / "lab" / "packages.txt")


def wanted(extra: list[str]) -> list[str]:
    """Names from the lists, comments removed, and the extra ones; `NAME unless PROGRAM` only where that is not here."""
    names = list(extra)
    for path in LISTS if not extra else ():
        if path.is_file():
            lines = (line.split("#", 1)[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
            for line in filter(None, lines):
                name, _, program = line.partition(" unless ")
                if not program or shutil.which(program) is None:
                    names.append(name)
    return sorted(set(names))


def missing(names: list[str]) -> list[str]:
    """Those that dpkg does not report as installed."""
    absent = []
    for name in names:
        query = ["dpkg-query", "--show", "--showformat", "${db:Status-Status}", name]
        answer = subprocess.run(query, capture_output=True, text=True, check=False)
        if answer.stdout != "installed":
            absent.append(name)
    return absent


def main() -> int:
    """Exit 0 when everything is there or can be done without; 1 when a needed package could not be installed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--need", action="append", default=[], help="only this package, and fail without it")
    needed = parser.parse_args().need
    if shutil.which("dpkg-query") is None or shutil.which("apt-get") is None:
        return 0
    absent = missing(wanted(needed))
    if not absent:
        return 0
    if os.geteuid() != 0:
        print("not root, so these Debian packages are not installed:", " ".join(absent), file=sys.stderr)
        print("what needs them is skipped and says so", file=sys.stderr)
        return 1 if needed else 0
    print("installing Debian packages:", " ".join(absent), flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "--yes", "--quiet=2", "--no-install-recommends", *absent]
    for command in (["apt-get", "update", "--quiet=2"], install):
        if subprocess.run(command, env=environment, check=False, stdout=subprocess.DEVNULL).returncode != 0:
            print("failed:", " ".join(command), file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
