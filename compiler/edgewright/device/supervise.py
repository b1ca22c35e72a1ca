"""Who keeps the service running and carries the deadline: the seam, and its two sides for the agent.

Owns `Supervisor` and its implementations over systemd and over the supervising process of `supervisor`. Must not
decide what to run: they start whatever `current` names.

Invariants: `arm` has taken effect when it returns; every call may be repeated.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Protocol

from edgewright.device import supervisor as process
from edgewright.device.files import write_atomic
from edgewright.device.layout import AGENT_NAME, ISOLATED, Layout
from edgewright.device.options import SYSTEMD, Options
from edgewright.device.refusal import Missing, Unhealthy
from edgewright.device.units import UnitValues, unit_texts

UNIT_FOLDER = Path("/etc/systemd/system")
SYSTEMCTL_TIMEOUT_S = 120
PROCESS_START_TIMEOUT_S = 60.0
PROCESS_STOP_TIMEOUT_S = 40.0


class Supervisor(Protocol):
    """What `switch` needs of whoever runs the service."""

    def prepare(self, revert_after_s: float) -> None:
        """Write whatever must exist before an activation; changes nothing that runs."""

    def adopt(self, options: Options) -> None:
        """From the next start on, run by these options."""

    def arm(self, revert_after_s: float) -> None:
        """From now on the device reverts by itself after so many seconds, unless disarmed."""

    def disarm(self) -> None:
        """Nothing is awaited any more."""

    def restart(self) -> None:
        """Run what `current` names now."""

    def stop(self) -> None:
        """Run nothing."""

    def agent_path(self) -> str:
        """The agent that carries out the revert; garbage collection keeps it."""

    def failed_starts(self) -> int:
        """How often the service ended by itself since it was last told to run."""


def agent_file() -> str:
    """The zip file (or, in a checkout, the `__main__.py`) this agent runs from."""
    here = Path(__file__).resolve()
    for parent in here.parents:
        if parent.is_file():
            return str(parent)
    return str(here.parent / "__main__.py")


class SystemdSupervisor:
    """One service, socket, revert timer and boot check per blueprint."""

    def __init__(self, layout: Layout, options: Options, *, at_boot: bool = False) -> None:
        self._root = str(layout.root)
        self._values = self._unit_values(options)
        self._at_boot = at_boot
        self._name = self._values.name

    def _unit_values(self, options: Options) -> UnitValues:
        return UnitValues(
            blueprint=options.blueprint,
            root=self._root,
            python=sys.executable,
            agent=agent_file(),
            host=options.host,
            port=options.port,
            threads=options.threads,
            memory_max_bytes=options.memory_max_bytes,
        )

    def _systemctl(self, *arguments: str, check: bool = True) -> str:
        tool = shutil.which("systemctl")
        if tool is None:
            raise Missing(
                "tool-missing", "systemctl is not on this host", hint="set supervisor to process in device.json"
            )
        done = subprocess.run(
            [tool, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=SYSTEMCTL_TIMEOUT_S,
            check=False,
        )
        said = done.stdout.decode("utf-8", "replace").strip()
        if check and done.returncode != 0:
            raise Unhealthy("service-unhealthy", f"systemctl {' '.join(arguments)} failed: {said[-300:]}")
        return said

    def _write(self, revert_after_s: float, *, leave: str = "") -> set[str]:
        """Write the units that differ, except the one named `leave`; names of those that changed."""
        changed = set()
        for name, text in unit_texts(self._values, revert_after_s).items():
            if name == leave:
                continue
            path, content = UNIT_FOLDER / name, text.encode("ascii")
            if not path.is_file() or path.read_bytes() != content:
                write_atomic(path, content)
                changed.add(name)
        if changed:
            self._systemctl("daemon-reload")
        return changed

    def prepare(self, revert_after_s: float) -> None:
        """See `Supervisor`."""
        changed = self._write(revert_after_s)
        self._systemctl(
            "enable", "--quiet", *(f"{self._name}{suffix}" for suffix in (".service", ".socket", "-boot.service"))
        )
        self._leave_old_address(changed)

    def _leave_old_address(self, changed: set[str]) -> None:
        if f"{self._name}.socket" in changed:
            # a listening socket keeps its old address until it is started anew, and cannot be while its service runs
            no_block = ["--no-block"] if self._at_boot else []
            self._systemctl(*no_block, "stop", f"{self._name}.socket", f"{self._name}.service", check=False)

    def adopt(self, options: Options) -> None:
        """See `Supervisor`."""
        self._values = self._unit_values(options)
        self._leave_old_address(self._write(0, leave=f"{self._name}-revert.timer"))  # it may be running

    def arm(self, revert_after_s: float) -> None:
        """See `Supervisor`."""
        self._write(revert_after_s)
        self._systemctl("restart", f"{self._name}-revert.timer")

    def disarm(self) -> None:
        """See `Supervisor`."""
        self._systemctl("stop", f"{self._name}-revert.timer", check=False)

    def restart(self) -> None:
        """See `Supervisor`."""
        service = f"{self._name}.service"
        if self._at_boot:  # jobs of this boot are still queued behind us: waiting for one would wait for ever
            self._systemctl("--no-block", "restart", service)
            return
        self._systemctl("reset-failed", service, check=False)
        self._systemctl("start", f"{self._name}.socket")
        self._systemctl("restart", service)

    def stop(self) -> None:
        """See `Supervisor`."""
        units = [f"{self._name}.socket", f"{self._name}.service"]
        self._systemctl("disable", "--quiet", *units, check=False)
        self._systemctl(*(["--no-block"] if self._at_boot else []), "stop", *units, check=False)

    def agent_path(self) -> str:
        """See `Supervisor`."""
        return self._values.agent

    def failed_starts(self) -> int:
        """See `Supervisor`; `restart` resets systemd's counter."""
        said = self._systemctl("show", "--property=NRestarts", "--value", f"{self._name}.service", check=False)
        return int(said) if said.isdigit() else 0


class ProcessSupervisor:
    """The agent's side of a supervising process, for hosts without systemd."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def prepare(self, revert_after_s: float) -> None:
        """See `Supervisor`."""
        del revert_after_s  # the supervising process reads the deadline from state.json

    def adopt(self, options: Options) -> None:
        """See `Supervisor`."""
        del options  # the supervising process reads device.json at every start

    def arm(self, revert_after_s: float) -> None:
        """See `Supervisor`."""
        del revert_after_s
        self._tell(signal.SIGUSR1)

    def disarm(self) -> None:
        """See `Supervisor`."""
        if process.is_running(self._layout):
            self._tell(signal.SIGUSR1)

    def restart(self) -> None:
        """See `Supervisor`."""
        process.forget_failed_starts(self._layout)  # what an earlier release did is not held against this one
        self._tell(signal.SIGHUP)

    def stop(self) -> None:
        """See `Supervisor`."""
        if process.is_running(self._layout):
            self._signal(signal.SIGTERM)
            self._await(running=False, timeout_s=PROCESS_STOP_TIMEOUT_S)

    def agent_path(self) -> str:
        """See `Supervisor`."""
        return agent_file()

    def failed_starts(self) -> int:
        """See `Supervisor`."""
        return process.failed_starts(self._layout)

    def _tell(self, number: int) -> None:
        """Signal the supervising process, or start one: it reads state and `current` when it starts."""
        if process.is_running(self._layout):
            self._signal(number)
            return
        self._layout.run.mkdir(parents=True, exist_ok=True)
        with open(self._layout.run / "supervisor.log", "ab") as log:
            subprocess.Popen(
                [sys.executable, *ISOLATED, agent_file(), "supervise", "--root", str(self._layout.root)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                close_fds=True,
            )
        self._await(running=True, timeout_s=PROCESS_START_TIMEOUT_S)

    def _signal(self, number: int) -> None:
        pid = process.supervisor_pid(self._layout)
        if pid is not None:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                return  # it ended between the question and the signal

    def _await(self, *, running: bool, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while process.is_running(self._layout) is not running:
            if time.monotonic() > deadline:
                wanted = "start" if running else "stop"
                raise Unhealthy(
                    "service-unhealthy",
                    f"the supervising process did not {wanted} within {timeout_s:g} s",
                    hint=f"see {self._layout.run / 'supervisor.log'}",
                )
            select.select([], [], [], 0.02)  # its lock is the condition, and locks cannot be waited for with a deadline


def choose_supervisor(layout: Layout, options: Options, *, at_boot: bool = False) -> Supervisor:
    """The supervisor that device.json names."""
    if options.supervisor == SYSTEMD:
        return SystemdSupervisor(layout, options, at_boot=at_boot)
    return ProcessSupervisor(layout)


def service_agent(release_folder: Path) -> str | None:
    """The agent a release brings to serve itself, None when it brings none."""
    path = release_folder / "agent" / AGENT_NAME
    return str(path) if path.is_file() else None
