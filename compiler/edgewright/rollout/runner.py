"""The runner: one command of the controller becomes one ansible-runner run over a small static inventory.

The only module that imports ansible_runner. Owns the run folder, the environment of Ansible and the stray processes of
a controller that was killed. Must not decide anything. Invariants: every run has connection sockets of its own, so a
confirmation never travels over a connection that was open before; Ansible writes below the run folder and below a
temporary folder that is removed, never into the home folder.
"""

from __future__ import annotations

import json
import os
import signal
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from edgewright.kernel.diagnostics import ExitCode, fail
from edgewright.kernel.files import remove_tree
from edgewright.rollout.answers import TaskResult, Told, interpret, told
from edgewright.rollout.events import Action, Answered, Tell
from edgewright.rollout.tools import ansible_tool, search_path

PLAYBOOKS: Mapping[Action, str] = {
    "deploy": "deploy.yml",
    "check": "health.yml",
    "confirm": "confirm.yml",
    "rollback": "rollback.yml",
    "observe": "observe.yml",
}
_KINDS = {
    "runner_on_ok": "ok",
    "runner_on_failed": "failed",
    "runner_on_unreachable": "unreachable",
    "runner_on_skipped": "skipped",
}
_KEPT_RUNS = 40
_LARGEST_OBSERVATION = 200
"""Devices in one run of Ansible that only asks: an inventory and its results stay small, whatever the fleet."""
_STRAY_PATIENCE_S = 10.0


@dataclass(slots=True)
class AnsibleRunner:
    """Runs commands over a rendered project.

    `lifted` devices may try the release again although it failed there; on `repaired` ones everything installed is
    compared with what was signed, and those of them that are `renewed` run the release already."""

    project: Path
    runs: Path
    release: int
    lifted: Sequence[str] = ()
    repaired: Sequence[str] = ()
    renewed: Sequence[str] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def perform(self, command: Tell) -> list[Answered]:
        """Do one command on its devices, all at once; one answer a device, in the order of the command."""
        folder = self._run_folder(command.action)
        inventory = self._inventory(folder, command.devices)
        results = self._run(folder, inventory, PLAYBOOKS[command.action], len(command.devices), {})
        answers = []
        for device in command.devices:
            if not results[device]:
                raise _no_result(folder, device)
            renewed = device in self.renewed
            answers.append(interpret(command.action, device, self.release, results[device], renewed=renewed))
        return answers

    def ask_everything(self, devices: Sequence[str]) -> list[Told]:
        """Have devices compare their files with what was signed, in batches: what each told, unread."""
        told_by = []
        for start in range(0, len(devices), _LARGEST_OBSERVATION):
            batch = devices[start : start + _LARGEST_OBSERVATION]
            folder = self._run_folder("observe")
            variables = {"edgewright_observe_files": True}
            results = self._run(folder, self._inventory(folder, batch), PLAYBOOKS["observe"], len(batch), variables)
            for device in batch:
                if not results[device]:
                    raise _no_result(folder, device)
                told_by.append(told(device, results[device]))
        return told_by

    def _run_folder(self, action: str) -> Path:
        self.runs.mkdir(parents=True, exist_ok=True, mode=0o700)
        for old in sorted(self.runs.iterdir(), key=lambda path: path.stat().st_mtime)[:-_KEPT_RUNS]:
            remove_tree(old)
        folder = (
            self.runs / f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{os.getpid()}-{next(self._numbers)}-{action}"
        )
        folder.mkdir(mode=0o700)
        return folder

    def _inventory(self, folder: Path, devices: Sequence[str]) -> Path:
        """Cut the command's devices out of the rendered inventory of the whole fleet: Ansible sees no other."""
        hosts = json.loads((self.project / "inventories" / "all.json").read_text(encoding="utf-8"))["all"]["hosts"]
        missing = [device for device in devices if device not in hosts]
        if missing:
            raise fail(
                "render-stale",
                f"{missing[0]} is not in the rendered inventories",
                subject=missing[0],
                hint="run edgewright render, then the command again",
            )
        path = folder / "inventory.json"
        path.write_text(json.dumps({"all": {"hosts": {device: hosts[device] for device in devices}}}), encoding="utf-8")
        return path

    def _run(
        self, folder: Path, inventory: Path, playbook: str, devices: int, variables: Mapping[str, Any]
    ) -> Mapping[str, list[TaskResult]]:
        ansible_tool("ansible-playbook")
        try:
            import ansible_runner  # noqa: PLC0415 - an extra: its absence is a diagnostic, and it takes 0.3 s to load
        except ImportError:
            raise fail(
                "missing-extra",
                "ansible-runner is missing; it is needed to reach devices",
                exit_code=ExitCode.MISSING,
                subject="ansible-runner",
                hint="pip install 'edgewright[fleet]', then run the command again",
            ) from None
        results: dict[str, list[TaskResult]] = defaultdict(list)
        # below /tmp and short: the path of a connection socket may have 107 characters
        with (
            tempfile.TemporaryDirectory(prefix="ew-", ignore_cleanup_errors=True) as scratch,
            _cancellable() as canceled,
        ):
            ansible_runner.run(
                private_data_dir=str(folder),
                project_dir=str(self.project),
                ident="run",
                playbook=str(self.project / "playbooks" / playbook),
                inventory=str(inventory),
                envvars=self._environment(scratch),
                extravars={
                    "edgewright_lifted": list(self.lifted),
                    "edgewright_repaired": list(self.repaired),
                    **self.options,
                    **variables,
                },
                forks=min(devices, 20),
                quiet=True,
                settings={"pexpect_timeout": 1},
                fact_cache_type="memory",
                event_handler=lambda event: _collect(event, results),
                cancel_callback=canceled,
            )
            if canceled():
                stop_strays(folder)
                raise KeyboardInterrupt
        return results

    def _environment(self, scratch: str) -> dict[str, str]:
        return {
            "PATH": search_path(),
            "ANSIBLE_CONFIG": str(self.project / "ansible.cfg"),
            "ANSIBLE_HOME": scratch,
            "ANSIBLE_LOCAL_TEMP": f"{scratch}/local",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": f"{scratch}/cp",
            "ANSIBLE_HOST_KEY_CHECKING": "True",  # ansible-runner turns it off unless told
            "ANSIBLE_CACHE_PLUGIN": "memory",
            "ANSIBLE_NOCOLOR": "True",
            "LC_ALL": "C.UTF-8",
        }


def _collect(event: Mapping[str, Any], results: dict[str, list[TaskResult]]) -> bool:
    kind = _KINDS.get(event.get("event", ""))
    data = event.get("event_data", {})
    if kind is not None and not data.get("ignore_errors"):
        result = data.get("res")
        name = str(data.get("task", "")).rpartition(" : ")[2]
        results[data["host"]].append(TaskResult(name, kind, result if isinstance(result, Mapping) else {}))  # type: ignore[arg-type]
    return True  # ansible-runner keeps the event in the run folder


def _no_result(folder: Path, device: str) -> Exception:
    log = folder / "artifacts" / "run" / "stdout"
    text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return fail(
        "ansible-failed",
        f"ansible-playbook ended without a result for {device}",
        exit_code=ExitCode.ROLLOUT,
        subject=device,
        notes=(*(line[:300] for line in lines[-4:]), f"log: {log}"),
        hint="run the command again with --resume: devices are observed before anything is done",
    )


@contextmanager
def _cancellable() -> Iterator[Callable[[], bool]]:
    """Let an interrupt end the run in order (ansible-runner stops its child), not in the middle of a callback."""
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield interrupted.is_set
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda *_: interrupted.set())
    try:
        yield interrupted.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def stop_strays(runs: Path, patience_s: float = _STRAY_PATIENCE_S) -> int:
    """End Ansible processes that a killed controller left behind; returns how many there were.

    They are known by the run folder in their arguments. What they had told a device runs to its end there, under the
    agent's own lock.
    """
    found = _strays(runs)
    for pid in found:
        _signal(pid, signal.SIGTERM)
    deadline = time.monotonic() + patience_s
    while (left := _strays(runs)) and time.monotonic() < deadline:
        threading.Event().wait(0.1)
    for pid in left:
        _signal(pid, signal.SIGKILL)
    return len(found)


def _strays(runs: Path) -> list[int]:
    needle = str(runs.resolve()).encode() + b"/"
    own = os.getpid()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != own:
            with suppress(OSError):
                arguments = (entry / "cmdline").read_bytes().split(b"\0")
                if any(argument.startswith(needle) for argument in arguments) and (entry / "cwd").exists():
                    found.append(int(entry.name))
    return found


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
