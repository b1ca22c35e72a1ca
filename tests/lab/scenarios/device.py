"""A device of the fleet as an onlooker on the host sees it: links, record, files, processes and systemd's journal.

Must not go through Ansible or the ledger: what it reports is the evidence that tests hold those to.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.lab.harness.host import Host
from tests.lab.harness.ssh import Answer

BLUEPRINT, PORT = "search", 8180
UNIT_STARTED = "39f53479d3a045ac8e11786248231fbf"  # SD_MESSAGE_UNIT_STARTED, systemd's sd-messages.h

LOOK = """\
import json, os, subprocess, sys
root, unit = sys.argv[1:]

def link(name):
    path = os.path.join(root, name)
    return int(os.path.basename(os.readlink(path))) if os.path.islink(path) else None

def files():
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            status = os.lstat(path)
            yield os.path.relpath(path, root), [status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]

def show(unit, name):
    return subprocess.run(["systemctl", "show", "-P", name, unit], stdout=subprocess.PIPE, text=True).stdout.strip()

state = os.path.join(root, "state.json")
print(json.dumps({
    "current": link("current"), "confirmed": link("confirmed"),
    "state": json.load(open(state)) if os.path.exists(state) else {},
    "files": dict(files()), "pid": int(show(unit + ".service", "MainPID") or 0),
    "restarts": int(show(unit + ".service", "NRestarts") or 0),
    "timer": show(unit + "-revert.timer", "ActiveState"),
}))
"""


@dataclass(frozen=True)
class Sight:
    """What was seen at one moment. Equal sights: nothing was written and no process was replaced in between."""

    current: int | None
    confirmed: int | None
    state: Mapping[str, Any]
    files: Mapping[str, Any]
    pid: int
    restarts: int
    timer: str

    @property
    def installed(self) -> set[int]:
        """Releases whose folder is there."""
        return {int(path.split("/")[1]) for path in self.files if path.startswith("releases/")}


@dataclass(frozen=True)
class LabDevice:
    """One host with a blueprint on it, or not yet."""

    host: Host
    target: str
    blueprint: str = BLUEPRINT
    port: int = PORT

    @property
    def name(self) -> str:
        return self.host.name

    @property
    def root(self) -> str:
        return f"/opt/edgewright/{self.blueprint}"

    @property
    def service(self) -> str:
        """Name of its units, without the suffix."""
        return f"edgewright-{self.blueprint}"

    def look(self) -> Sight:
        return Sight(**json.loads(self.host.run(["python3", "-c", LOOK, self.root, self.service]).stdout))

    def current(self) -> int | None:
        """Release that `current` names; None also while the host does not answer."""
        answer = self.host.run(["readlink", f"{self.root}/current"], check=False)
        return int(answer.stdout.strip().rpartition("/")[2]) if answer.returncode == 0 else None

    def agent(self, *arguments: str) -> Answer:
        """Run the agent that was delivered here, as root of the host."""
        script = f'exec python3 -IB {self.root}/agent/*.pyz --root {self.root} "$@"'
        return self.host.run(["sh", "-c", script, "agent", *arguments], check=False)

    def refusal(self, *arguments: str) -> str:
        """Run the agent where it has to refuse (exit 3); the slug."""
        answer = self.agent(*arguments)
        assert answer.returncode == 3, answer
        return str(json.loads(answer.stdout)["error"]["slug"])

    def http(self, path: str, body: Any = None, *, timeout_s: float = 30) -> tuple[int, Any]:
        """Ask the service from outside the host; status and JSON."""
        data = None if body is None else json.dumps(body).encode()
        url = f"http://{self.host.address}:{self.port}{path}"
        request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=timeout_s) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def serving(self) -> int | None:
        """The release that answers from outside; None when none does."""
        try:
            status, health = self.http("/healthz", timeout_s=5)
        except OSError:
            return None
        return int(health["release"]) if status == 200 else None

    def unit(self, name: str) -> str:
        """A property of the running service's unit."""
        return self.host.run(["systemctl", "show", "-P", name, f"{self.service}.service"]).stdout.strip()

    def activations(self) -> int:
        """How often the timer of an activation was armed since the host booted: once for every activation."""
        return self._starts(f"{self.service}-revert.timer")

    def service_starts(self) -> int:
        """How often systemd started the service since the host booted."""
        return self._starts(f"{self.service}.service")

    def _starts(self, unit: str) -> int:
        matches = [f"UNIT={unit}", f"MESSAGE_ID={UNIT_STARTED}", "_PID=1"]
        return len(self.host.run(["journalctl", "--quiet", "-o", "cat", *matches]).stdout.splitlines())
