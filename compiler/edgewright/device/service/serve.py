"""Starting and ending the service process.

Owns: which socket to listen on, the release's own packages on `sys.path`, loading, signals. Everything the process may
touch is named here.

Invariants: only this release's `site/` is added to the import path, before anything of it is imported; the server
answers `/healthz` while the model is loading; SIGTERM drains; a process whose supervisor died ends.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
import stat
import sys
import threading
from pathlib import Path
from types import FrameType

from edgewright.device.artifact import canonical_architecture, host_architecture, read_artifact
from edgewright.device.documents import parse_object, read_capped
from edgewright.device.layout import Layout
from edgewright.device.options import SYSTEMD, Options, read_options
from edgewright.device.refusal import Refusal
from edgewright.device.service.metrics import Metrics
from edgewright.device.service.model import Model, identity_of
from edgewright.device.service.server import Server
from edgewright.device.supervisor import listen
from edgewright.device.verify import STATEMENT_CAP_BYTES

DRAIN_TIMEOUT_S = 20.0
FIRST_PASSED_FD = 3
PR_SET_PDEATHSIG = 1


def passed_socket(listen_fd: int | None) -> socket.socket | None:
    """The listening socket that a supervisor passed: systemd's LISTEN_FDS, or our own `--listen-fd`."""
    if listen_fd is None and os.environ.get("LISTEN_PID") == str(os.getpid()):
        listen_fd = FIRST_PASSED_FD if os.environ.get("LISTEN_FDS") == "1" else None
    if listen_fd is None:
        return None
    try:
        is_socket = stat.S_ISSOCK(os.fstat(listen_fd).st_mode)
    except OSError:
        is_socket = False
    if not is_socket:
        raise Refusal("address-in-use", f"file descriptor {listen_fd} was passed and is not a socket")
    return socket.socket(fileno=listen_fd)


def die_with_parent(parent: int | None) -> None:
    """Ask the kernel for SIGTERM when the supervising process ends, however it ends."""
    if parent is None:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0) != 0:
        sys.stderr.write("the kernel does not tell when the supervisor ends\n")
    if os.getppid() != parent:  # it ended before we asked
        os._exit(0)


def cap_memory(options: Options) -> None:
    """Hold the process to `memory_max_bytes` where no systemd does it: allocations beyond fail, and so does loading."""
    if options.supervisor != SYSTEMD and options.memory_max_bytes is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (options.memory_max_bytes, options.memory_max_bytes))


def _build(folder: Path, options: Options, metrics_out: list[Metrics]) -> Model:
    slug = "statement-invalid"
    statement = parse_object(read_capped(folder / "statement.json", STATEMENT_CAP_BYTES, slug), "statement.json", slug)
    artifact = read_artifact(folder / "artifact")
    wanted, here = canonical_architecture(artifact.architecture), host_architecture()
    if wanted is not None and here is not None and wanted != here:
        raise Refusal("release-for-other-target", f"the artifact is for {artifact.architecture}, this device is {here}")
    identity = identity_of(folder, artifact, statement, options.target)
    metrics = Metrics(identity.labels())
    metrics_out.append(metrics)
    return Model(identity, metrics, options.threads)


def serve_release(layout: Layout, folder: Path, *, listen_fd: int | None, parent: int | None) -> None:
    """Serve one release folder until SIGTERM. Refuses what cannot be loaded; the supervisor tries again."""
    die_with_parent(parent)
    folder = Path(os.path.realpath(folder))
    sys.path.insert(0, str(folder / "site"))
    options = read_options(layout)
    cap_memory(options)
    made: list[Metrics] = []
    model = _build(folder, options, made)
    listener = passed_socket(listen_fd) or listen(options.host, options.port, timeout_s=10.0)
    server = Server(listener, model, made[0])
    ending = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        ending.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    serving = threading.Thread(target=server.serve_forever, name="serve", kwargs={"poll_interval": 0.2}, daemon=True)
    serving.start()
    try:
        model.load()
        sys.stderr.write(f"release {model.identity.release} is ready on {options.host}:{options.port}\n")
        sys.stderr.flush()
        ending.wait()
    finally:
        finished = server.drain(DRAIN_TIMEOUT_S)
        sys.stderr.write("drained\n" if finished else "requests were still running\n")
        sys.stderr.flush()
    os._exit(0)  # runtimes crash in their destructors while daemon threads still hold them
