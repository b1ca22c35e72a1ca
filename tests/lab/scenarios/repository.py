"""A fleet repository whose devices are hosts of the lab, and edgewright run on it as a person would."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from tests.lab.harness.command import wait_until
from tests.lab.harness.lab import Lab
from tests.lab.scenarios.device import LabDevice
from tests.support.tiny_release import package_tiny

from edgewright.rollout.runner import stop_strays

COMPILER = Path(__file__).resolve().parents[3] / "compiler"
LONGEST_S = 600


@dataclass(frozen=True)
class Outcome:
    """How a command of edgewright ended: exit code, the JSON document it printed, what it said on the way."""

    exit_code: int
    document: Any
    stderr: str

    @property
    def rollout(self) -> dict[str, Any]:
        """The one roll-out it tells of."""
        [rollout] = self.document["rollouts"]
        assert isinstance(rollout, dict)
        return rollout

    @property
    def verdict(self) -> str:
        return str(self.rollout["verdict"])

    @property
    def statuses(self) -> dict[str, str]:
        """By device."""
        return {name: device["status"] for name, device in self.rollout["devices"].items()}

    @property
    def slugs(self) -> dict[str, str]:
        """What is wrong, by the device (or other subject) it is wrong with."""
        return {diagnostic["subject"]: diagnostic["slug"] for diagnostic in self.document["diagnostics"]}


class Command:
    """A running command of edgewright."""

    def __init__(self, argv: Sequence[str], folder: Path) -> None:
        self._stdout, self._stderr = folder / "stdout", folder / "stderr"
        folder.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "PYTHONPATH": str(COMPILER)}
        with self._stdout.open("wb") as stdout, self._stderr.open("wb") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "edgewright.cli.main", *argv],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                env=environment,
            )

    @property
    def said(self) -> str:
        """Its progress lines so far."""
        return self._stderr.read_text(errors="replace")

    def await_words(self, words: str, timeout_s: float = 120) -> None:
        """Wait until it said something, or ended without."""
        wait_until(lambda: words in self.said or self._process.poll() is not None, repr(words), timeout_s=timeout_s)
        assert words in self.said, self.said

    def kill(self) -> None:
        """SIGKILL the controller alone, in whatever it is doing."""
        assert self._process.poll() is None, f"it ended before it was killed: {self.said}"
        self._process.kill()
        self._process.wait(timeout=30)

    def end(self, timeout_s: float = LONGEST_S) -> Outcome:
        """Wait for its end. No traceback ever reaches a user."""
        try:
            exit_code = self._process.wait(timeout=timeout_s)
        finally:
            self._process.kill()
            self._process.wait(timeout=30)
        stdout = self._stdout.read_text(errors="replace")
        assert "Traceback" not in stdout + self.said, self.said
        assert exit_code != 1, f"a bug in edgewright: {self.said}"
        return Outcome(exit_code, json.loads(stdout) if stdout.startswith(("{", "[")) else stdout, self.said)


@dataclass
class FleetRepository:
    """One blueprint over some hosts. `rollout` and `spec` replace parts of the blueprint.

    The release is built for the classes of the devices, and for `other_targets`."""

    root: Path
    lab: Lab
    devices: Sequence[LabDevice]
    key: Path
    rollout: dict[str, Any] = field(default_factory=dict)
    spec: dict[str, Any] = field(default_factory=dict)
    other_targets: tuple[str, ...] = ()
    _commands: int = 0

    @property
    def blueprint(self) -> str:
        return self.devices[0].blueprint

    @property
    def targets(self) -> set[str]:
        """What the release is built for."""
        return {device.target for device in self.devices} | set(self.other_targets)

    def write(self, version: str) -> None:
        """Write blueprint and fleet."""
        blueprint = {
            "apiVersion": "edgewright/v1alpha1",
            "kind": "Blueprint",
            "metadata": {"name": self.blueprint, "version": version},
            "spec": {
                "model": {"task": "embeddings", "source": {"type": "directory", "path": "model"}},
                "compression": {"inline": {"name": "float32", "method": "float32"}},
                "builds": [{"backend": "tvm", "targets": sorted(self.targets)}],
                "evaluation": {"dataset": "data.jsonl"},
                "gates": [{"metric": "cosine_mean", "min": 0.99}],
                "service": {"address": "0.0.0.0", "port": self.devices[0].port},
                "fleet": {"ref": "shops"},
                "rollout": {
                    "waves": [{"canary": "1 per target"}, "60%", "100%"],
                    "soak": "0s",
                    "maxUnavailable": len(self.devices),
                    "failureBudget": "0%",
                    "confirmTimeout": "5m",
                    **self.rollout,
                },
                **self.spec,
            },
        }
        self.root.mkdir(parents=True, exist_ok=True)
        (self.root / "blueprint.yaml").write_text(yaml.safe_dump(blueprint, sort_keys=False))
        self.write_fleet()

    def write_fleet(self, *, targets: Mapping[str, str] | None = None) -> None:
        """Write the fleet alone; `targets` is what the fleet believes of a device against its true class."""
        believed = targets or {}
        devices = [self._entry(device, believed.get(device.name, device.target)) for device in self.devices]
        fleet = {
            "apiVersion": "edgewright/v1alpha1",
            "kind": "Fleet",
            "metadata": {"name": "shops"},
            "spec": {"devices": devices},
        }
        (self.root / "fleet.yaml").write_text(yaml.safe_dump(fleet, sort_keys=False))

    def _entry(self, device: LabDevice, target: str) -> dict[str, Any]:
        connection = {
            "type": "ssh",
            "host": device.host.address,
            "user": "root",
            "identityFile": str(self.lab.identity_file),
            "knownHostsFile": str(self.lab.known_hosts),
        }
        return {"name": device.name, "target": target, "connection": connection, "supervisor": "systemd"}

    def package(self, version: str, artifacts: Mapping[str, Path]) -> int:
        """Package and sign a release into dist/; its number."""
        self.write(version)
        chosen = {target: artifacts[target] for target in self.targets}
        return package_tiny(self.root, self.blueprint, chosen, self.key).number

    @property
    def dist(self) -> Path:
        return self.root / "dist" / self.blueprint

    @property
    def runs(self) -> Path:
        """Where Ansible's runs leave their folders; there is none before a device was reached for."""
        return self.root / ".edgewright" / "runs" / self.blueprint

    def start(self, command: str, *arguments: str, output: str | None = "json") -> Command:
        """Start edgewright in a process of its own; a command without a choice of output gets None."""
        self._commands += 1
        folder = self.root / ".commands" / str(self._commands)
        form = [] if output is None else ["--output", output]
        return Command([command, str(self.root), *arguments, *form], folder)

    def run(self, command: str, *arguments: str, output: str = "json") -> Outcome:
        """Run edgewright to its end."""
        return self.start(command, *arguments, output=output).end()

    def status(self) -> dict[str, dict[str, Any]]:
        """`edgewright status`, by device."""
        [rollout] = self.run("status").document
        return {device["device"]: device for device in rollout["devices"]}

    def told(self) -> dict[str, Counter[str]]:
        """How often the ledger says each device was told each thing: the events written before a command is sent."""
        counts: dict[str, Counter[str]] = {device.name: Counter() for device in self.devices}
        with closing(sqlite3.connect(f"file:{self.root}/.edgewright/ledger.db?mode=ro", uri=True)) as ledger:
            for (payload,) in ledger.execute("SELECT payload FROM events WHERE kind = 'sent' ORDER BY id"):
                sent = json.loads(payload)
                for name in sent["devices"]:
                    counts[name][sent["action"]] += 1
        return counts

    def close(self) -> None:
        """End what a killed controller left behind on this machine."""
        stop_strays(self.runs)
