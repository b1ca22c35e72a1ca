"""What the device agent builds on, tried on the hosts before anything of ours runs there."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.lab.harness import ssh
from tests.lab.harness.command import command, wait_until
from tests.lab.harness.host import Host

pytestmark = pytest.mark.lab

UNITS = "/etc/systemd/system"
SERVER = """\
import http.server, json, os, socket, urllib.request

def outcome(address):
    try:
        socket.create_connection(address, timeout=5)
    except OSError as error:
        return error.strerror
    return "connected"

def is_writable(path):
    try:
        open(path, "w").close()
    except OSError as error:
        return error.strerror
    return "written"

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        state = os.environ["STATE_DIRECTORY"]
        body = json.dumps({
            "uid": os.getuid(), "call_out": outcome((self.connection.getsockname()[0].replace("::ffff:", ""), 22)),
            "etc": is_writable("/etc/probe"), "state": is_writable(state + "/probe"),
        }).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass

class Server(http.server.HTTPServer):
    def server_bind(self):
        self.socket.close()
        self.socket = socket.socket(fileno=3)

    def server_activate(self):
        pass

Server(("", 0), Handler).serve_forever()
"""
SOCKET_UNIT = "[Socket]\nListenStream=8080\n[Install]\nWantedBy=sockets.target\n"
SERVICE_UNIT = """\
[Service]
ExecStart=/usr/bin/python3 /opt/probe/server.py
DynamicUser=yes
PrivateNetwork=yes
ProtectSystem=strict
PrivateTmp=yes
NoNewPrivileges=yes
StateDirectory=probe
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
SystemCallFilter=@system-service
"""


@pytest.fixture(scope="module")
def probe(host: Host) -> Iterator[Host]:
    """A sandboxed service behind a socket of systemd's, on port 8080."""
    host.write("/opt/probe/server.py", SERVER)
    host.write(f"{UNITS}/probe.socket", SOCKET_UNIT)
    host.write(f"{UNITS}/probe.service", SERVICE_UNIT)
    host.run(["systemctl", "daemon-reload"])
    host.run(["systemctl", "enable", "--now", "probe.socket"])
    yield host
    host.run(["systemctl", "disable", "--now", "probe.socket", "probe.service"])
    host.run(["rm", "-rf", "/opt/probe", f"{UNITS}/probe.socket", f"{UNITS}/probe.service", "/var/lib/private/probe"])
    host.run(["systemctl", "daemon-reload"])


def ask(host: Host) -> dict[str, object]:
    with urllib.request.urlopen(f"http://{host.address}:8080/", timeout=30) as answer:
        found: dict[str, object] = json.load(answer)
    return found


def test_a_sandboxed_service_answers_over_its_socket_and_cannot_call_out(probe: Host) -> None:
    answer = ask(probe)
    isolated = probe.spec.architecture == "amd64"  # recipe.EMULATED_DROP_INS says why not on arm64
    assert answer["call_out"] == ("Network is unreachable" if isolated else "connected")
    assert answer["etc"] == "Read-only file system"
    assert answer["state"] == "written"
    uid = answer["uid"]
    assert isinstance(uid, int)
    assert 61184 <= uid <= 65519  # DynamicUser's range, systemd.exec(5)


def test_a_socket_keeps_its_callers_while_the_service_restarts(probe: Host) -> None:
    first = probe.run(["systemctl", "show", "-P", "MainPID", "probe.service"]).stdout
    ask(probe)
    probe.run(["systemctl", "kill", "--signal=SIGKILL", "probe.service"])
    assert ask(probe)["state"] == "written"
    assert probe.run(["systemctl", "show", "-P", "MainPID", "probe.service"]).stdout != first


def test_an_enabled_socket_answers_again_after_a_power_cut(probe: Host) -> None:
    ask(probe)
    probe.run(["sync"])
    probe.kill(lose_unsynced=True)
    probe.start()
    assert ask(probe)["state"] == "written"


def test_a_transient_timer_fires_once_its_time_is_up(host: Host) -> None:
    host.run(["systemd-run", "--on-active=2", "--timer-property=AccuracySec=100ms", "touch", "/run/fired"])
    wait_until(lambda: host.run(["test", "-e", "/run/fired"], check=False).returncode == 0, "the timer", timeout_s=30)
    host.run(["rm", "/run/fired"])


def test_an_enabled_timer_runs_again_after_a_restart_of_the_host(host: Host) -> None:
    host.write(
        f"{UNITS}/pulse.service",
        "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'cat /proc/sys/kernel/random/uuid >> /opt/pulse'\n",
    )
    host.write(
        f"{UNITS}/pulse.timer",
        "[Timer]\nOnBootSec=1s\nOnUnitActiveSec=1h\nAccuracySec=100ms\n[Install]\nWantedBy=timers.target\n",
    )
    host.run(["systemctl", "enable", "pulse.timer"])
    host.run(["sync"])
    host.kill()
    host.start()
    wait_until(lambda: host.run(["test", "-s", "/opt/pulse"], check=False).returncode == 0, "the timer", timeout_s=30)
    host.run(["systemctl", "disable", "--now", "pulse.timer"])
    host.run(["rm", f"{UNITS}/pulse.service", f"{UNITS}/pulse.timer", "/opt/pulse"])


def test_a_unit_over_its_memory_is_killed(host: Host) -> None:
    if host.spec.architecture != "amd64":
        pytest.skip("under qemu-user a cap holds the emulator too: its size says nothing about the device")
    greedy = [
        "systemd-run",
        "--wait",
        "--collect",
        "--quiet",
        "--property=MemoryMax=50M",
        "python3",
        "-c",
        "b'x' * (200 << 20)",
    ]
    assert host.run(greedy, check=False).returncode != 0


def test_a_release_signature_is_checked_with_ssh_keygen(host: Host, tmp_path: Path) -> None:
    _, public = ssh.make_key(tmp_path / "key", "release")
    (tmp_path / "statement").write_text("statement")
    command(
        [
            "ssh-keygen",
            "-Y",
            "sign",
            "-f",
            str(tmp_path / "key"),
            "-n",
            "edgewright-release",
            str(tmp_path / "statement"),
        ]
    )
    host.write("/run/signed/allowed", f'edgewright namespaces="edgewright-release" {public}')
    host.write("/run/signed/statement.sig", (tmp_path / "statement.sig").read_text())
    verify = ["ssh-keygen", "-Y", "verify", "-f", "/run/signed/allowed", "-I", "edgewright", "-n", "edgewright-release"]
    verify += ["-s", "/run/signed/statement.sig"]
    assert host.run(verify, stdin="statement").stdout.startswith('Good "edgewright-release" signature for edgewright')
    assert host.run(verify, stdin="statement!", check=False).returncode != 0


def test_ctypes_and_sqlite_are_there(host: Host) -> None:
    host.run(["python3", "-c", "import ctypes, json, sqlite3, ssl, zipfile; ctypes.CDLL('libstdc++.so.6')"])
