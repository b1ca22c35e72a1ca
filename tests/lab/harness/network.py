"""Owns: one bridge a lab, one network namespace and one cable (veth pair) a host.

Must not know: hosts' insides. Invariants: every name begins with the lab's; hosts get no default route, so nothing they
send leaves the bridge; a /24 of 10.77.0.0/16 belongs to one lab.
"""

from __future__ import annotations

import json
from pathlib import Path

from tests.lab.harness.command import LabError, command

PREFIX = "ewlab"
LABS = 200


def claim_bridge() -> tuple[int, str]:
    """Make the first free bridge: its number and name. Making it is the lock."""
    for number in range(LABS):
        bridge = f"{PREFIX}{number}"
        try:
            command(["ip", "link", "add", bridge, "type", "bridge"])
        except LabError:
            if Path("/sys/class/net", bridge).exists():
                continue
            raise
        command(["ip", "address", "add", f"10.77.{number}.1/24", "dev", bridge])
        command(["ip", "link", "set", bridge, "up"])
        return number, bridge
    raise LabError(f"{LABS} labs are up already: python -m tests.lab.harness down")


class Cable:
    """The connection between a host's namespace and the lab's bridge."""

    def __init__(self, lab: str, number: int, index: int, host: str) -> None:
        self.bridge = lab
        self.namespace = f"{lab}-{host}"
        self.address = f"10.77.{number}.{10 + index}"
        self._outer = f"ewl{number}v{index}"  # at most 15 characters

    @property
    def namespace_path(self) -> str:
        """What systemd-nspawn joins."""
        return f"/run/netns/{self.namespace}"

    def plug_in(self) -> None:
        """Make namespace, veth pair and address."""
        command(["ip", "netns", "add", self.namespace])
        inner = ["peer", "name", "eth0", "netns", self.namespace]
        command(["ip", "link", "add", self._outer, "type", "veth", *inner])
        command(["ip", "link", "set", self._outer, "master", self.bridge, "up"])
        batch = f"address add {self.address}/24 dev eth0\nlink set eth0 up\nlink set lo up\n"
        command(["ip", "-n", self.namespace, "-batch", "-"], stdin=batch)

    def set_link(self, up: bool) -> None:
        """Pull the cable or put it back."""
        command(["ip", "link", "set", self._outer, "up" if up else "down"])

    def limit_rate(self, kbit_per_s: int | None) -> None:
        """Slow down what the host receives; None lifts it."""
        command(["tc", "qdisc", "del", "dev", self._outer, "root"] if kbit_per_s is None else
                ["tc", "qdisc", "replace", "dev", self._outer, "root", "tbf",
                 "rate", f"{kbit_per_s}kbit", "burst", "16kb", "latency", "400ms"])  # fmt: skip

    @property
    def received_bytes(self) -> int:
        """What the host was sent so far."""
        return int(Path("/sys/class/net", self._outer, "statistics/tx_bytes").read_text())


def remove(lab: str) -> None:
    """Remove the lab's namespaces (their cables go with them) and its bridge."""
    for entry in json.loads(command(["ip", "-json", "netns", "list"]) or "[]"):
        if str(entry["name"]).startswith(f"{lab}-"):
            command(["ip", "netns", "delete", str(entry["name"])])
    if Path("/sys/class/net", lab).exists():
        command(["ip", "link", "delete", lab])
