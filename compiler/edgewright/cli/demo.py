"""`edgewright demo`: the whole chain on this machine, as an ordinary user: compile, roll out, ask, break, revert.

Owns a workspace with copies of the examples, a signing key of its own and three devices that are folders with a service
each. Every step is a command of edgewright, shown before it runs; nothing is done that a user could not do.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import yaml

from edgewright.kernel.diagnostics import ExitCode, fail
from edgewright.kernel.files import remove_tree, write_atomic
from edgewright.kernel.process import find_tool
from edgewright.kernel.process import run as run_process
from edgewright.kernel.resources import share_folder
from edgewright.package.signing import find_signer

QUESTION = "Name three fruits."
DEVICES = ("counter-1", "counter-2", "counter-3")
_FIRST_PORT = 18801
_REQUEST_TIMEOUT_S = 120.0
_READY_TIMEOUT_S = 60.0
_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Workspace:
    """The folders of a demonstration."""

    root: Path

    @property
    def key(self) -> Path:
        """The signing key, made for this workspace only."""
        return self.root / "keys" / "release"

    def repository(self, name: str) -> Path:
        """The fleet repository of an example."""
        return self.root / name

    def device(self, name: str) -> Path:
        """The root folder of a device."""
        return self.root / "devices" / name


def free_ports(count: int) -> list[int]:
    """Ports on loopback that nobody listens on, from a fixed start so that a second run takes the same."""
    found: list[int] = []
    for port in range(_FIRST_PORT, _FIRST_PORT + 500):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    message = f"no {count} free ports from {_FIRST_PORT} on 127.0.0.1"
    raise fail("no-free-port", message, exit_code=ExitCode.MISSING, hint="end what listens there, and run it again")


def prepare(workspace: Workspace) -> None:
    """Lay out fresh copies of the examples and, once, a signing key. What was compiled before stays."""
    for name in ("semantic-search", "store-assistant"):
        source = share_folder() / "blueprints" / "examples" / name
        shutil.copytree(source, workspace.repository(name), dirs_exist_ok=True)
    if not workspace.key.is_file():
        workspace.key.parent.mkdir(parents=True, exist_ok=True)
        keygen = find_tool("ssh-keygen", needed_for="sign releases")
        run_process(
            [keygen, "-q", "-t", "ed25519", "-N", "", "-C", "edgewright demo", "-f", workspace.key], timeout_s=30
        )
    for name in ("semantic-search", "store-assistant"):
        signers = find_signer(workspace.key).allowed_signers
        write_atomic(workspace.repository(name) / "allowed_signers", signers)


def write_fleet(workspace: Workspace, ports: list[int]) -> None:
    """Three devices on this machine take the place of the example's shops."""
    devices = [
        {
            "name": name,
            "target": "x86-64-v3",
            "site": "demo",
            "connection": {"type": "local"},
            "root": str(workspace.device(name)),
            "servicePort": port,
            "supervisor": "process",
        }
        for name, port in zip(DEVICES, ports, strict=True)
    ]
    fleet = {
        "apiVersion": "edgewright/v1beta1",
        "kind": "Fleet",
        "metadata": {"name": "shops"},
        "spec": {"devices": devices},
    }
    write_yaml(workspace.repository("store-assistant") / "fleet.yaml", fleet)


def edit_blueprint(workspace: Workspace, version: str, service: dict[str, Any]) -> None:
    """Set the version, quick waves, and the service's options, as a pull request would."""
    path = workspace.repository("store-assistant") / "blueprint.yaml"
    document = yaml.safe_load((share_folder() / "blueprints/examples/store-assistant/blueprint.yaml").read_bytes())
    document["metadata"]["version"] = version
    document["spec"]["service"] = {"address": "127.0.0.1", "threads": 2, **service}
    document["spec"]["rollout"] |= {
        "waves": [{"canary": {"perTarget": 1}}, "100%"],
        "soak": "0s",
        "confirmTimeout": "90s",
    }
    write_yaml(path, document)


def allow(workspace: Workspace, slug: str, key: str, reason: str) -> None:
    """Allow a rule at a key of the blueprint, in place and with a reason, as a person in a hurry would."""
    path = workspace.repository("store-assistant") / "blueprint.yaml"
    comment = f"# edgewright: allow {slug} because {reason}"
    lines = path.read_text(encoding="utf-8").splitlines()
    edited = [f"{line}  {comment}" if line.strip().startswith(f"{key}:") else line for line in lines]
    path.write_text("\n".join(edited) + "\n", encoding="utf-8")


def write_yaml(path: Path, document: dict[str, Any]) -> None:
    """Write a document by dumping values."""
    path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")


def run(*arguments: str, expect: ExitCode = ExitCode.OK) -> None:
    """Show a command of edgewright and run it; another exit code than the expected one ends the demonstration."""
    click.secho(f"\n$ edgewright {' '.join(arguments)}", bold=True)
    finished = subprocess.run([sys.executable, "-m", "edgewright.cli.main", *arguments], check=False)
    if finished.returncode != expect:
        raise fail(
            "demo-failed",
            f"edgewright {arguments[0]} exited with {finished.returncode}, {int(expect)} was expected",
            exit_code=ExitCode.BUG if finished.returncode == 0 else ExitCode(finished.returncode),
            hint="the lines above say why; nothing outside the workspace was changed",
        )


def await_ready(port: int) -> None:
    """Until the service answers that it is ready; it loads its model again after a revert."""
    deadline = time.monotonic() + _READY_TIMEOUT_S
    while time.monotonic() < deadline:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
            return
        threading.Event().wait(_POLL_S)
    raise fail(
        "demo-failed",
        f"the service on port {port} was not ready within {_READY_TIMEOUT_S:g} s",
        exit_code=ExitCode.MISSING,
        hint="its log is run/service.log in the device's folder, below .demo/devices",
    )


def ask(port: int, question: str) -> tuple[str, float]:
    """Ask a device's service a question; returns the answer and the seconds it took."""
    await_ready(port)
    body = {
        "model": "store-assistant",
        "messages": [{"role": "user", "content": question}],
        "max_tokens": 64,
        "temperature": 0,
    }
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/chat/completions",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    started = time.monotonic()
    with urllib.request.urlopen(request, timeout=_REQUEST_TIMEOUT_S) as response:  # noqa: S310 - a fixed loopback address
        document = json.load(response)
    return str(document["choices"][0]["message"]["content"]), time.monotonic() - started


def stop_devices(workspace: Workspace) -> None:
    """Stop the services of an earlier or this demonstration, through their own agents."""
    for name in DEVICES:
        root = workspace.device(name)
        agents = sorted((root / "agent").glob("*.pyz")) if (root / "agent").is_dir() else []
        if agents:
            run_process([sys.executable, agents[-1], "stop", "--root", root], timeout_s=60)


@click.command("demo")
@click.option("--workspace", type=click.Path(path_type=Path), default=Path(".demo"), help="Folder to work in.")
@click.option("--keep", is_flag=True, help="Leave the three services running at the end.")
def command(workspace: Path, keep: bool) -> None:
    """Compile both examples, roll one out to three devices on this machine, break a release, see it revert."""
    started = time.monotonic()
    place = Workspace(workspace.resolve())
    stop_devices(place)
    remove_tree(place.root / "devices")
    remove_tree(place.repository("store-assistant") / ".edgewright")
    ports = free_ports(len(DEVICES))
    prepare(place)
    write_fleet(place, ports)
    edit_blueprint(place, "1.0.0", {})
    assistant, search = (str(place.repository(n)) for n in ("store-assistant", "semantic-search"))
    try:
        run("compile", search, "--signing-key", str(place.key))
        run("compile", assistant, "--signing-key", str(place.key))
        run("rollout", assistant)
        click.secho(f"\n$ curl http://127.0.0.1:{ports[0]}/v1/chat/completions", bold=True)
        answer, seconds = ask(ports[0], QUESTION)
        click.echo(f"  question: {QUESTION}\n  answer ({seconds:.1f} s): {answer.strip()}")
        click.secho("\na pull request sets the service's memory to 64 MiB", bold=True)
        edit_blueprint(place, "1.0.1", {"memoryMax": "64MiB"})
        run("check", assistant, expect=ExitCode.DOCUMENTS)
        click.secho("\nsomebody allows it in place, and 1.0.1 is compiled and rolled out", bold=True)
        allow(place, "service-memory-small", "memoryMax", "it worked on my machine")
        run("compile", assistant, "--signing-key", str(place.key))
        run("rollout", assistant, expect=ExitCode.ROLLOUT)
        answer, seconds = ask(ports[0], QUESTION)
        click.echo(f"\n{DEVICES[0]} is back on 1.0.0 and answers again ({seconds:.1f} s): {answer.strip()[:60]}…")
        run("status", assistant)
    finally:
        if not keep:
            stop_devices(place)
    click.echo(f"\nthe canary reverted, the others never changed; {time.monotonic() - started:.0f} s in all")
