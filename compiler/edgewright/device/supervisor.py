"""The supervising process for hosts without systemd: keeps the service up and reverts what nobody confirms.

Owns run/supervisor.pid (whose flock says it lives), the listening socket, the child, and the deadline. The agent talks
to it with signals: SIGHUP run what `current` names, SIGUSR1 read the state again, SIGTERM stop.

Invariants: one per root; the socket outlives the child, so a restart refuses no connection; the child dies with the
supervisor; at its own start it reverts what is overdue, like a boot check.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import IO

from edgewright.device.layout import Layout
from edgewright.device.options import Options, read_options
from edgewright.device.refusal import Refusal
from edgewright.device.state import read_state, remaining_now_s

LOG_CAP_BYTES = 4 * 2**20
FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 0.5, 30.0
STEADY_AFTER_S = 30.0
FAILED_STARTS = "failed-starts"
STOP_TIMEOUT_S = 25.0
BIND_TIMEOUT_S = 1.0
BACKLOG = 128


def _pid_path(layout: Layout) -> Path:
    return layout.run / "supervisor.pid"


def is_running(layout: Layout) -> bool:
    """Whether a supervising process of this root lives: its lock is held."""
    try:
        descriptor = os.open(_pid_path(layout), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def supervisor_pid(layout: Layout) -> int | None:
    """Process id the supervising process wrote down, None when there never was one."""
    try:
        text = _pid_path(layout).read_text("ascii").strip()
    except FileNotFoundError:
        return None
    first = text.partition("\n")[0]
    return int(first) if first.isdigit() else None


def supervisor_agent(layout: Layout) -> str | None:
    """The agent file the supervising process runs from, while it lives."""
    if not is_running(layout):
        return None
    return _pid_path(layout).read_text("utf-8").partition("\n")[2].strip() or None


def failed_starts(layout: Layout) -> int:
    """How often the service ended by itself since it was last told to run, as the supervising process counts."""
    try:
        text = (layout.run / FAILED_STARTS).read_text("ascii").strip()
    except FileNotFoundError:
        return 0
    return int(text) if text.isdigit() else 0


def forget_failed_starts(layout: Layout) -> None:
    """Count from zero again."""
    with contextlib.suppress(FileNotFoundError):
        (layout.run / FAILED_STARTS).unlink()


def _log(message: str) -> None:
    sys.stderr.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {message}\n")
    sys.stderr.flush()


def listen(host: str, port: int, timeout_s: float) -> socket.socket:
    """A listening socket; tries again while a dying predecessor still has the address. Refuses `address-in-use`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    deadline = time.monotonic() + timeout_s
    while True:
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen(BACKLOG)
            return listener
        except OSError as error:
            listener.close()
            if time.monotonic() > deadline:
                raise Refusal("address-in-use", f"{host}:{port} cannot be listened on: {error.strerror}") from None
            select.select([], [], [], 0.1)


class Supervising:
    """The loop. `revert_overdue` is given by the agent: it takes the lock and reverts through `InProcess`."""

    def __init__(
        self, layout: Layout, agent: str, command: list[str], revert_overdue: Callable[[Supervising], None]
    ) -> None:
        self._layout = layout
        self._agent = agent
        self._command = command
        self._revert_overdue = revert_overdue
        self._child: subprocess.Popen[bytes] | None = None
        self._listener: socket.socket | None = None
        self._address: tuple[str, int] | None = None
        self._started = 0.0
        self._backoff_s = FIRST_BACKOFF_S
        self._start_at: float | None = 0.0
        self._events: set[int] = set()
        self.failed = 0
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def run(self) -> None:
        """Until SIGTERM. Refuses `busy` when another supervising process has this root."""
        lock = self._take_pid_file()
        try:
            for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
                signal.signal(number, self._note)
            signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
            _log("supervising")
            while not self._events & {signal.SIGTERM, signal.SIGINT}:
                self._step()
            _log("stopping")
        finally:
            self._stop_child()
            if self._listener is not None:
                self._listener.close()
            os.close(lock)

    def restart_soon(self) -> None:
        """Run what `current` names at the next step."""
        self._stop_child()
        self._count_failed(0)
        self._backoff_s = FIRST_BACKOFF_S
        self._start_at = 0.0

    def stop_serving(self) -> None:
        """Run nothing until told otherwise."""
        self._stop_child()
        self._start_at = None

    def _take_pid_file(self) -> int:
        self._layout.run.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(_pid_path(self._layout), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        deadline = time.monotonic() + 2.0  # somebody asking `is_running` holds the lock for a moment
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    os.close(descriptor)
                    raise Refusal("busy", f"{self._layout.root} is supervised already") from None
                select.select([], [], [], 0.02)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n{self._agent}\n".encode("utf-8"))
        return descriptor

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        self._events.add(number)

    def _step(self) -> None:
        """Handle what happened, then wait for the next signal, start time or deadline."""
        self._collect_child()
        if signal.SIGHUP in self._events:
            self._events.discard(signal.SIGHUP)
            self.restart_soon()
        self._events -= {signal.SIGUSR1, signal.SIGCHLD}
        deadline_s = self._deadline_s()
        if deadline_s is not None and deadline_s <= 0:
            self._revert()
            deadline_s = self._deadline_s()
        waits = [] if deadline_s is None else [max(deadline_s, 0.5 if deadline_s <= 0 else 0.0)]
        if self._child is None and self._start_at is not None:
            if time.monotonic() >= self._start_at:
                self._start_child()
            if self._child is None and self._start_at is not None:
                waits.append(max(0.0, self._start_at - time.monotonic()))
        if self._events:
            return
        select.select([self._wake_read], [], [], min(waits) if waits else None)
        with contextlib.suppress(BlockingIOError):
            while os.read(self._wake_read, 512):
                pass

    def _deadline_s(self) -> float | None:
        try:
            active = read_state(self._layout).active
        except Refusal as refusal:
            _log(f"{refusal.slug}: {refusal.message}")
            return None
        return None if active is None else remaining_now_s(active)

    def _revert(self) -> None:
        try:
            self._revert_overdue(self)
        except (Refusal, OSError) as error:
            _log(f"revert failed, trying again: {error}")

    def _collect_child(self) -> None:
        if self._child is None or self._child.poll() is None:
            return
        status, lived = self._child.returncode, time.monotonic() - self._started
        self._child = None
        if lived > STEADY_AFTER_S:
            self._backoff_s = FIRST_BACKOFF_S
        self._count_failed(self.failed + 1)
        _log(f"service ended with {status} after {lived:.1f} s, next start in {self._backoff_s:g} s")
        self._start_at = time.monotonic() + self._backoff_s
        self._backoff_s = min(LONGEST_BACKOFF_S, 2 * self._backoff_s)

    def _count_failed(self, count: int) -> None:
        self.failed = count
        temporary = self._layout.run / (FAILED_STARTS + ".new")
        temporary.write_text(f"{count}\n", "ascii")
        temporary.replace(self._layout.run / FAILED_STARTS)

    def _start_child(self) -> None:
        if self._layout.current_release() is None:
            self._start_at = None
            return
        try:
            options = read_options(self._layout)
            listener = self._listening(options)
        except Refusal as refusal:
            _log(f"{refusal.slug}: {refusal.message}")
            self._start_at = time.monotonic() + self._backoff_s
            self._backoff_s = min(LONGEST_BACKOFF_S, 2 * self._backoff_s)
            return
        descriptor = listener.fileno()
        user = options.user if os.geteuid() == 0 else None
        with self._service_log() as log:
            self._child = subprocess.Popen(
                [*self._command, "--listen-fd", str(descriptor), "--parent", str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                pass_fds=[descriptor],
                env={
                    "PATH": os.environ.get("PATH", os.defpath),
                    "LANG": "C.UTF-8",
                    "OMP_NUM_THREADS": str(options.threads),
                },
                user=user,
                group=user,
                extra_groups=None if user is None else [],
            )
        self._started = time.monotonic()
        self._start_at = None
        _log(f"service started as {self._child.pid} on {self._layout.current_release()}")

    def _listening(self, options: Options) -> socket.socket:
        address = (options.host, options.port)
        if self._listener is not None and self._address == address:
            return self._listener
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        self._listener = listen(*address, timeout_s=BIND_TIMEOUT_S)
        self._address = address
        return self._listener

    def _service_log(self) -> IO[bytes]:
        path = self._layout.run / "service.log"
        if path.exists() and path.stat().st_size > LOG_CAP_BYTES:
            os.replace(path, path.with_name("service.log.1"))
        return open(path, "ab")

    def _stop_child(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.terminate()
        try:
            child.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            _log(f"service {child.pid} did not stop within {STOP_TIMEOUT_S:g} s, killed")
            child.kill()
            child.wait()


class InProcess:
    """The `Supervisor` that the supervising process itself uses while it reverts."""

    def __init__(self, supervising: Supervising, agent: str) -> None:
        self._supervising = supervising
        self._agent = agent

    def prepare(self, revert_after_s: float) -> None:
        """See `Supervisor`."""
        del revert_after_s

    def adopt(self, options: Options) -> None:
        """The loop reads device.json at every start."""
        del options

    def arm(self, revert_after_s: float) -> None:
        """See `Supervisor`."""
        del revert_after_s

    def disarm(self) -> None:
        """The loop reads the deadline from state.json at every step."""

    def restart(self) -> None:
        """See `Supervisor`."""
        self._supervising.restart_soon()

    def stop(self) -> None:
        """See `Supervisor`."""
        self._supervising.stop_serving()

    def agent_path(self) -> str:
        """See `Supervisor`."""
        return self._agent

    def failed_starts(self) -> int:
        """See `Supervisor`."""
        return self._supervising.failed
