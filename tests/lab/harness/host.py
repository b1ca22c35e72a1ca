"""Owns: one host: its life (start, stop, kill, reset) and the faults that can happen to it.

Must not know: other hosts. Invariants: `start` returns when systemd has finished booting and ssh answers; every process
of the host is in its control group; a fault lasts until it is undone or the host is reset.
"""

from __future__ import annotations

import base64
import signal
import subprocess
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab.harness import clock, recipe, ssh
from tests.lab.harness.cgroup import Group
from tests.lab.harness.command import LabError, wait_until
from tests.lab.harness.disk import Disk
from tests.lab.harness.network import Cable
from tests.lab.harness.ssh import Answer, Login

GIB = 1 << 30
JOIN_AND_EXEC = 'while [ "$1" != -- ]; do echo 0 > "$1"; shift; done; shift; exec "$@"'


@dataclass(frozen=True, slots=True)
class HostSpec:
    """What kind of host: Debian's word for the architecture, size of the sparse disk, cap on its whole memory."""

    name: str
    architecture: str = "amd64"
    disk_bytes: int = 4 * GIB
    memory_bytes: int | None = None


class Host:
    """A running or stopped machine of a lab."""

    def __init__(self, spec: HostSpec, folder: Path, lower: Path, cable: Cable, login: Login) -> None:
        self.spec, self._folder, self._cable, self._login = spec, folder, cable, login
        self._disk = Disk(folder, lower, spec.disk_bytes)
        self._group = Group(f"{cable.bridge}/{spec.name}")
        self._process: subprocess.Popen[bytes] | None = None
        self._machine_id = uuid.uuid4().hex
        self._key = folder / "host_key"

    @property
    def name(self) -> str:
        """Its host name."""
        return self.spec.name

    @property
    def address(self) -> str:
        """Its IPv4 address on the lab's bridge."""
        return self._cable.address

    @property
    def is_running(self) -> bool:
        """Whether any of its processes lives."""
        return bool(self._group.members())

    @property
    def boot_timeout_s(self) -> float:
        """Emulated hosts boot in seconds on an idle machine, in minutes on a busy one."""
        return 60 if self.spec.architecture == "amd64" else 240

    def make(self) -> None:
        """Create disk, key, cable and control group. Does not start it."""
        self._folder.mkdir(parents=True)
        ssh.make_key(self._key, self.name)
        self._cable.plug_in()
        self._format()

    def known_hosts_line(self) -> str:
        """The key the host was made with (not the one change_host_key gave it)."""
        return f"{self.address} {' '.join(self._key.with_suffix('.pub').read_text().split()[:2])}\n"

    def _format(self) -> None:
        key, public = self._key.read_text(), self._key.with_suffix(".pub").read_text()
        self._disk.format({
            "etc/hostname": (f"{self.name}\n", 0o644),
            "etc/hosts": (f"127.0.0.1 localhost\n{self.address} {self.name}\n", 0o644),
            "etc/machine-id": (f"{self._machine_id}\n", 0o444),
            "etc/ssh/authorized_keys": (self._login.identity_file.with_suffix(".pub").read_text(), 0o644),
            "etc/ssh/ssh_host_ed25519_key": (key, 0o600),
            "etc/ssh/ssh_host_ed25519_key.pub": (public, 0o644),
        })  # fmt: skip

    def launch(self) -> None:
        """Switch it on and return at once."""
        if self.is_running:
            return
        self._reap()
        self._group.make(self.spec.memory_bytes)
        nspawn = [
            "systemd-nspawn", "--quiet", "--register=no", "--keep-unit", f"--machine={self.name}",
            f"--hostname={self.name}", f"--directory={self._disk.root}", "--resolv-conf=off", "--timezone=off",
            f"--network-namespace-path={self._cable.namespace_path}", "--link-journal=no", "--console=pipe",
            "--kill-signal=SIGRTMIN+3", recipe.INIT_PATH,
        ]  # fmt: skip
        join = ["sh", "-c", JOIN_AND_EXEC, "join", *self._group.join_files(), "--"]
        with (self._folder / "console.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*join, *self._disk.exec_argv(nspawn)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def wait_ready(self) -> None:
        """Return when ssh answers and systemd has finished booting. Raises LabError with the end of the console."""
        try:
            wait_until(lambda: ssh.is_answering(self.address), f"{self.name} to answer", timeout_s=self.boot_timeout_s)
        except LabError as error:
            console = (self._folder / "console.log").read_text(errors="replace")[-2000:]
            raise LabError(f"{error}; its console ends with:\n{console}") from error
        self.run(["systemctl", "is-system-running", "--wait"], check=False, timeout_s=self.boot_timeout_s)

    def start(self) -> None:
        """Switch it on; returns when it is usable."""
        self.launch()
        self.wait_ready()

    def stop(self) -> None:
        """Orderly shut-down."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.kill()
        self._group.kill()
        self._reap()

    def kill(self, *, lose_unsynced: bool = False) -> None:
        """SIGKILL everything in it. With lose_unsynced, a power cut: what was not fsynced is gone after `start`."""
        if lose_unsynced and self.is_running:
            self._disk.cut_power(self._pid)
        self._group.kill()
        self._reap()

    def reset(self) -> None:
        """Back to a new disk with the same name, address and keys; left stopped."""
        self.kill()
        self._cable.set_link(True)
        self._format()

    def _reap(self) -> None:
        if self._process is not None:
            self._process.wait(timeout=20)
            self._process = None

    @property
    def _pid(self) -> int:
        if self._process is None:
            raise LabError(f"{self.name} is not running")
        return self._process.pid

    def run(
        self,
        argv: Sequence[str],
        *,
        check: bool = True,
        user: str = "root",
        stdin: str | None = None,
        timeout_s: float = 60,
    ) -> Answer:
        """Run argv over ssh. With check, raises LabError when it fails."""
        login = Login(self.address, user, self._login.identity_file, self._login.known_hosts)
        answer = login.run(argv, stdin=stdin, timeout_s=timeout_s)
        if check and answer.returncode != 0:
            raise LabError(
                f"{self.name}: {argv} exited {answer.returncode}: {answer.stderr.strip() or answer.stdout.strip()}"
            )
        return answer

    def write(self, path: str, text: str) -> None:
        """Write a file on the running host; its folder is made."""
        self.run(["mkdir", "-p", str(Path(path).parent)])
        self.run(["tee", path], stdin=text)

    def link_down(self) -> None:
        """Pull the network cable."""
        self._cable.set_link(False)

    def link_up(self) -> None:
        """Put it back."""
        self._cable.set_link(True)

    def limit_rate(self, kbit_per_s: int | None) -> None:
        """Slow the host's downloads; None lifts it."""
        self._cable.limit_rate(kbit_per_s)

    @property
    def received_bytes(self) -> int:
        """What it was sent over its cable since it was made."""
        return self._cable.received_bytes

    def freeze(self) -> None:
        """Stop every process where it is: connections stay open and nobody answers."""
        self._group.freeze(True)

    def thaw(self) -> None:
        """Let them go on."""
        self._group.freeze(False)

    def fill_disk(self, leave_bytes: int = 0) -> None:
        """Take its free disk space but leave_bytes."""
        self._disk.fill(self._pid, leave_bytes)

    def empty_disk(self) -> None:
        """Give the space taken by fill_disk back."""
        self._disk.empty(self._pid)

    def change_host_key(self) -> None:
        """Give it another host key, as a forged host has. The lab's known_hosts keeps the first; reset undoes it."""
        key = "/etc/ssh/ssh_host_ed25519_key"
        script = f"rm -f {key} {key}.pub && ssh-keygen -q -t ed25519 -N '' -f {key} && systemctl restart ssh"
        self.run(["sh", "-c", script])

    def shift_clock(self, offset_s: int) -> None:
        """Let Python see a clock that is wrong by offset_s from now on; 0 puts it right."""
        library = base64.b64encode(clock.library(self.spec.architecture)).decode()
        self.run(clock.shift_argv(offset_s), stdin=library)
