"""Labs by hand: `python -m tests.lab.harness up PATH [--amd64 5] [--arm64 1]`, `list`, `down [NAME ...]`.

Must not know: tests. Invariants: `up` stays in the foreground and removes its lab when interrupted.
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from tests.lab.harness import preconditions, remnants
from tests.lab.harness.host import HostSpec
from tests.lab.harness.lab import Lab


def up(path: Path, amd64: int, arm64: int) -> int:
    """Hold a lab until SIGINT or SIGTERM."""
    obstacle = preconditions.obstacle()
    if obstacle:
        print(obstacle, file=sys.stderr)
        return 7
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with Lab(path) as lab:
        try:
            for number in range(1, amd64 + 1):
                lab.add(HostSpec(f"shop-{number:02}"))
            for number in range(1, arm64 + 1):
                lab.add(HostSpec(f"kiosk-{number:02}", architecture="arm64"))
            lab.start()
            for host in lab.hosts:
                print(f"{host.name}\t{host.spec.architecture}\troot@{host.address}")
            print(
                f"ssh -i {lab.identity_file} -o UserKnownHostsFile={lab.known_hosts} ...; Ctrl-C removes the lab",
                flush=True,
            )
            signal.pause()
        except KeyboardInterrupt:
            print("removing the lab", file=sys.stderr)
    return 0


def down(names: list[str]) -> int:
    """Remove the named labs, or all recorded ones, whoever owns them."""
    for name, path in remnants.recorded().items():
        if not names or name in names:
            remnants.remove(name, path)
            print(f"removed {name}")
    return 0


def main() -> int:
    """Parse and do."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.harness", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("up", help="bring a lab up and hold it")
    verb.add_argument("path", type=Path)
    verb.add_argument("--amd64", type=int, default=5)
    verb.add_argument("--arm64", type=int, default=0)
    verbs.add_parser("list", help="labs on this machine")
    verbs.add_parser("down", help="remove labs that were left behind").add_argument("names", nargs="*")
    arguments = parser.parse_args()
    if arguments.verb == "up":
        return up(arguments.path, arguments.amd64, arguments.arm64)
    if arguments.verb == "list":
        for name, path in remnants.recorded().items():
            print(f"{name}\t{path}")
        return 0
    return down(arguments.names)


if __name__ == "__main__":
    sys.exit(main())
