"""A fleet repository on disk with tiny, real, signed releases, and devices that are folders of this machine.

Everything below the command line is real: package, signature, Ansible, the agent's zip file, a service process and a
compiled library. Only the model is tiny.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from tests.support.device_release import Signer as Keys
from tests.support.device_release import TestDevice, build_artifact, free_port
from tests.support.tiny_release import package_tiny

from edgewright.kernel.units import release_number

TARGET = "x86-64-v3"
PYTHON = str(Path(sys.executable).resolve())


@dataclass
class Shop:
    """The repository; `command` runs edgewright on it."""

    root: Path
    keys: Keys
    devices: dict[str, TestDevice] = field(default_factory=dict)
    rollout: dict[str, Any] = field(default_factory=dict)
    gates: list[dict[str, Any]] = field(default_factory=list)
    absent: dict[str, int] = field(default_factory=dict)

    @staticmethod
    def create(root: Path, count: int, **rollout: Any) -> Shop:
        shop = Shop(root / "repository", Keys.create(root / "keys"))
        shop.root.mkdir()
        for number in range(count):
            name = f"counter-{number}"
            shop.devices[name] = TestDevice(root / "devices" / name, Path(), shop.keys, free_port(), PYTHON)
        shop.rollout = {
            "waves": [{"canary": "1 per target"}, "100%"],
            "soak": "0s",
            "maxUnavailable": 2,
            "failureBudget": "0%",
            "confirmTimeout": "60s",
            **rollout,
        }
        return shop

    def write(self, version: str) -> None:
        """Write blueprint and fleet."""
        blueprint = {
            "apiVersion": "edgewright/v1alpha1",
            "kind": "Blueprint",
            "metadata": {"name": "demo", "version": version},
            "spec": {
                "model": {"task": "embeddings", "source": {"type": "directory", "path": "model"}},
                "compression": {"inline": {"name": "float32", "method": "float32"}},
                "builds": [{"backend": "tvm", "targets": [TARGET]}],
                "evaluation": {"dataset": "data.jsonl"},
                "gates": [{"metric": "cosine_mean", "min": 0.99}, *self.gates],
                "fleet": {"ref": "shops"},
                "rollout": self.rollout,
            },
        }
        fleet = {
            "apiVersion": "edgewright/v1alpha1",
            "kind": "Fleet",
            "metadata": {"name": "shops"},
            "spec": {"devices": [self._device(name) for name in self.devices]},
        }
        for name, document in (("blueprint", blueprint), ("fleet", fleet)):
            (self.root / f"{name}.yaml").write_text(yaml.safe_dump(document, sort_keys=False))

    def _device(self, name: str) -> dict[str, Any]:
        device = self.devices[name]
        local: dict[str, Any] = {"type": "local", "python": PYTHON}
        away = {"type": "ssh", "host": "127.0.0.1", "port": self.absent.get(name), "python": PYTHON}
        return {
            "name": name,
            "target": TARGET,
            "connection": away if name in self.absent else local,
            "root": str(device.root),
            "port": device.port,
            "supervisor": "process",
        }

    def release(self, version: str, *, wrong: bool = False, commit: str | None = None) -> int:
        """Package and sign a release into dist/; a `wrong` one cannot reproduce its own test vector."""
        self.write(version)
        artifact = self.root.parent / f"artifact-{version}"
        build_artifact(artifact, wrong=wrong, architecture="x86_64")
        # a tiny marker, so that two releases never are the same bytes
        (artifact / "model" / "note.bin").write_text(version)
        package_tiny(self.root, "demo", {TARGET: artifact}, self.keys.key, commit=commit)
        return release_number(version)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start edgewright in a process of its own."""
        command, *rest = arguments
        argv = [sys.executable, "-m", "edgewright.cli.main", command, str(self.root), *rest]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3] / "compiler")}
        return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)

    def command(self, *arguments: str, expect: int = 0) -> Any:
        """Run edgewright with JSON output; the one document it printed."""
        process = self.start(*arguments, "--output", "json")
        stdout, stderr = process.communicate(timeout=240)
        assert process.returncode == expect, f"exit {process.returncode}, expected {expect}\n{stdout}\n{stderr}"
        return json.loads(stdout)

    def rolled_out(self, *arguments: str, expect: int = 0) -> dict[str, Any]:
        """Roll out; what became of it."""
        [state] = self.command("rollout", *arguments, expect=expect)["rollouts"]
        assert isinstance(state, dict)
        return state

    def refused(self, *arguments: str) -> str:
        """Run a command that is refused before it does anything; the slug."""
        [diagnostic] = self.command(*arguments, expect=5)["diagnostics"]
        return str(diagnostic["slug"])

    def running(self) -> dict[str, int | None]:
        return {name: device.current() for name, device in self.devices.items()}

    def confirmed(self) -> dict[str, int | None]:
        return {name: device.confirmed() for name, device in self.devices.items()}

    def stop(self) -> None:
        for device in self.devices.values():
            device.stop()


def await_file(path: Path, text: str, timeout_s: float = 60.0) -> None:
    """Wait until a file has a text in it."""
    deadline = time.monotonic() + timeout_s
    while not (path.exists() and text in path.read_text(errors="replace")):
        assert time.monotonic() < deadline, f"{text!r} did not come into {path}"
        time.sleep(0.05)
