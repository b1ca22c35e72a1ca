"""Releases and devices for tests: real keys, real signatures, a real zip file, a real native library.

The runtime needs no framework: a few lines of C implement the entry of a `tvm-static` artifact, so that a service
process loads and runs it exactly like a compiled model.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgewright.package.agent import build_agent as agent_bytes

VOCABULARY, DIMENSION = 50, 4
LENGTHS = (8, 16, 128)

SOURCE = r"""
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#define S %(length)d
#define D %(dimension)d
#define V %(vocabulary)d
#define HEAP %(heap_bytes)dL
const uint64_t edge_workspace_bytes = D * sizeof(float), edge_weights_bytes = V * D * sizeof(float);
const char *edge_error = "";
int edge_run(const void *const *in, void *out, const void *weights, void *workspace) {
  const int64_t *ids = in[0], *mask = in[1];
  const float *w = weights;
  float *o = out, *sum = workspace;
  if (((uintptr_t)in[0] | (uintptr_t)in[1] | (uintptr_t)out | (uintptr_t)weights | (uintptr_t)workspace) %% 64) {
    edge_error = "a buffer is not aligned";
    return 7;
  }
  struct timespec delay = {0, %(delay_ms)d * 1000000L};
  if (delay.tv_nsec) nanosleep(&delay, 0);
  if (S == %(longest)d && HEAP) {
    char *heap = memset(malloc(HEAP), 1, HEAP);
    __asm__ volatile("" : : "r"(heap) : "memory"); // the compiler may not find out that nobody reads it
    free(heap);
  }
  for (int d = 0; d < D; d++) sum[d] = 0;
  for (int s = 0; s < S; s++)
    for (int d = 0; d < D; d++) sum[d] += (float)mask[s] * w[ids[s] * D + d];
  for (int d = 0; d < D; d++) o[d] = sum[d];
  return 0;
}
"""


def weight(token: int, place: int) -> float:
    """The value of the tiny model's table."""
    return float((token * 7 + place * 3) % 11) / 8


def expected(ids: list[int]) -> list[float]:
    """What the tiny model answers, computed without it."""
    return [sum(weight(token, place) for token in ids) for place in range(DIMENSION)]


def build_artifact(
    folder: Path,
    *,
    delay_ms: int = 0,
    wrong: bool = False,
    architecture: str | None = None,
    compiler: str = "gcc",
    heap_bytes: int = 0,
) -> Path:
    """A `tvm-static` artifact folder whose embedding is a sum over a table; `wrong` stores a vector it cannot meet.

    A text of the longest length takes `heap_bytes` of memory for the time of its call."""
    (folder / "model").mkdir(parents=True)
    for length in LENGTHS:
        source = folder / f"encoder_{length}.c"
        values = {"length": length, "dimension": DIMENSION, "vocabulary": VOCABULARY, "delay_ms": delay_ms}
        source.write_text(SOURCE % {**values, "heap_bytes": heap_bytes, "longest": LENGTHS[-1]})
        library = folder / "model" / f"encoder_{length}.so"
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", str(source), "-o", str(library)], check=True)
        source.unlink()
    table = [weight(token, place) for token in range(VOCABULARY) for place in range(DIMENSION)]
    (folder / "model" / "weights.bin").write_bytes(struct.pack(f"<{len(table)}f", *table))
    description = {
        "schema": 1,
        "backend": "tvm",
        "task": "embeddings",
        "recipe": {"name": "float32"},
        "architecture": architecture or platform.machine(),
        "model": {"dimension": DIMENSION, "vocab_size": VOCABULARY, "max_positions": LENGTHS[-1], "pad_token_id": 0},
        "runtime": {"kind": "tvm-static", "sequence_lengths": list(LENGTHS), "threads_default": 1},
        "context": LENGTHS[-1],
        "determinism": "deterministic",
    }
    (folder / "artifact.json").write_text(json.dumps(description))
    ids = [3, 14, 15, 9, 2]
    answer = [value + (1.0 if wrong else 0.0) for value in expected(ids)]
    vector = {
        "text": None,
        "input_ids": ids,
        "attention_mask": [1] * 5,
        "embedding": answer,
        "tolerance": {"max_abs": 1e-5},
    }
    (folder / "test_vector.json").write_text(json.dumps(vector))
    return folder


def build_agent(target: Path) -> Path:
    """The agent as the package layer ships it."""
    target.write_bytes(agent_bytes())
    return target


@dataclass(frozen=True)
class Signer:
    """A key pair and the allowed_signers file that trusts it."""

    folder: Path

    @property
    def key(self) -> Path:
        return self.folder / "key"

    @property
    def allowed_signers(self) -> Path:
        return self.folder / "allowed_signers"

    @staticmethod
    def create(folder: Path, principal: str = "edgewright") -> Signer:
        folder.mkdir(parents=True)
        signer = Signer(folder)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(signer.key)], check=True)
        public = (folder / "key.pub").read_text()
        signer.allowed_signers.write_text(f'{principal} namespaces="edgewright-release" {public}')
        return signer

    def sign(self, statement: Path) -> None:
        statement.with_name("statement.json.sig").unlink(missing_ok=True)
        subprocess.run(
            ["ssh-keygen", "-q", "-Y", "sign", "-f", str(self.key), "-n", "edgewright-release", str(statement)],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def rfc3339(wall: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(wall))


@dataclass
class ReleaseFolder:
    """A signed release on the controller's disk: documents and blobs."""

    folder: Path
    number: int
    blobs: dict[str, bytes] = field(default_factory=dict)


def build_wheel(path: Path, members: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def build_release(
    folder: Path,
    signer: Signer,
    artifact: Path,
    *,
    version: str = "1.0.0",
    target: str = "test-target",
    agent: Path | None = None,
    wheels: tuple[Path, ...] = (),
    edit_statement: Callable[[dict[str, Any]], None] | None = None,
    edit_manifest: Callable[[dict[str, Any]], None] | None = None,
) -> ReleaseFolder:
    """Write and sign a release. The edits run before digests are taken and signatures made: a validly signed lie."""
    folder.mkdir(parents=True)
    major, minor, patch = (int(part) for part in version.split("."))
    release = ReleaseFolder(folder, major * 1_000_000 + minor * 1_000 + patch)
    layers = []

    def add(path: str, content: bytes, role: str, mode: str = "0644") -> None:
        digest = hashlib.sha256(content).hexdigest()
        release.blobs[digest] = content
        layers.append(
            {
                "mediaType": "application/octet-stream",
                "digest": f"sha256:{digest}",
                "size": len(content),
                "annotations": {"dev.edgewright.path": path, "dev.edgewright.role": role, "dev.edgewright.mode": mode},
            }
        )

    for path in sorted(artifact.rglob("*")):
        if path.is_file():
            add(f"artifact/{path.relative_to(artifact).as_posix()}", path.read_bytes(), "artifact")
    for wheel in wheels:
        add(f"wheels/{wheel.name}", wheel.read_bytes(), "wheel")
    if agent is not None:
        add("agent/edgewright-agent.pyz", agent.read_bytes(), "agent", "0755")
    layers.sort(key=lambda layer: str(layer["annotations"]["dev.edgewright.path"]))  # type: ignore[index]
    manifest: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": "application/vnd.cncf.model.manifest.v1+json",
        "config": {"mediaType": "application/vnd.cncf.model.config.v1+json", "digest": "sha256:" + "0" * 64, "size": 2},
        "layers": layers,
        "annotations": {"dev.edgewright.target": target, "dev.edgewright.backend": "tvm"},
    }
    blobs = [{"digest": layer["digest"], "size": layer["size"]} for layer in layers]
    if edit_manifest is not None:
        edit_manifest(manifest)
    content = json.dumps(manifest).encode()
    (folder / "manifest.json").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    now = time.time()
    statement: dict[str, Any] = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": target, "digest": {"sha256": digest}}],
        "predicateType": "https://edgewright.dev/attestation/release/v0.1",
        "predicate": {
            "blueprint": "demo",
            "version": version,
            "release": release.number,
            "created": rfc3339(now - 60),
            "expires": rfc3339(now + 3600),
            "fleet": "shops",
            "targets": {
                target: {"manifest": f"sha256:{digest}", "backend": "tvm", "recipe": "float32", "blobs": blobs}
            },
            "evidence": {},
        },
    }
    if edit_statement is not None:
        edit_statement(statement)
    (folder / "statement.json").write_text(json.dumps(statement))
    signer.sign(folder / "statement.json")
    return release


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class TestDevice:
    """A root folder, driven by the agent's zip file in processes of their own, like a controller does."""

    __test__ = False
    root: Path
    agent: Path
    signer: Signer
    port: int = field(default_factory=free_port)
    python: str = sys.executable
    gates: list[dict[str, Any]] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)

    def prepare(self) -> TestDevice:
        self.root.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.signer.allowed_signers, self.root / "allowed_signers")
        self.write_options()
        return self

    def write_options(self, **changes: Any) -> None:
        self.options.update(changes)
        document = {
            "blueprint": "demo",
            "target": "test-target",
            "fleet": "shops",
            "listen": {"host": "127.0.0.1", "port": self.port},
            "threads": 1,
            "supervisor": "process",
            "confirm_timeout_s": 60,
            "gates": self.gates,
            **self.options,
        }
        (self.root / "device.json").write_text(json.dumps(document))

    def push(self, release: ReleaseFolder, *, blobs: bool = True) -> Path:
        """Put documents, and blobs, where a controller puts them."""
        incoming = self.root / "incoming" / str(release.number)
        incoming.mkdir(parents=True, exist_ok=True)
        for name in ("statement.json", "statement.json.sig", "manifest.json"):
            shutil.copyfile(release.folder / name, incoming / name)
        if blobs:
            self.push_blobs(release, list(release.blobs))
        return incoming

    def push_blobs(self, release: ReleaseFolder, digests: list[str]) -> None:
        folder = self.root / "incoming" / "blobs"
        folder.mkdir(parents=True, exist_ok=True)
        for digest in digests:
            (folder / digest).write_bytes(release.blobs[digest])

    def command(self, *arguments: str) -> list[str]:
        return [self.python, "-I", "-B", str(self.agent), "--root", str(self.root), *arguments]

    def run(self, *arguments: str, expect: int | None = 0, timeout: float = 120) -> dict[str, Any]:
        """Run the agent; its one JSON object. Fails unless the exit status is `expect` (None: any)."""
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=timeout, check=False)
        assert expect is None or done.returncode == expect, (
            f"{arguments} gave {done.returncode}: {done.stdout}{done.stderr}"
        )
        lines = done.stdout.splitlines()
        assert len(lines) == 1, f"stdout is not one line: {done.stdout!r} {done.stderr}"
        answer = json.loads(lines[0])
        assert isinstance(answer, dict)
        return answer

    def refused(self, slug: str, *arguments: str, expect: int = 3) -> dict[str, Any]:
        """Run a command that must be refused with `slug`."""
        answer = self.run(*arguments, expect=expect)
        assert answer["ok"] is False
        assert answer["error"]["slug"] == slug, answer["error"]
        return answer

    def stage(self, release: ReleaseFolder) -> None:
        self.run("stage", "--incoming", str(self.push(release)))

    def roll_out(self, release: ReleaseFolder) -> None:
        """Stage, activate, check, confirm."""
        self.stage(release)
        self.run("activate", "--release", str(release.number))
        self.run("health")
        self.run("confirm", "--release", str(release.number))

    def http(self, path: str, body: Any = None, *, raw: bytes | None = None) -> tuple[int, Any]:
        """One request to the service; status and JSON (or text)."""
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=data)
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                status, content, kind = response.status, response.read(), response.headers["Content-Type"]
        except urllib.error.HTTPError as error:
            with error:
                status, content, kind = error.code, error.read(), error.headers["Content-Type"]
        return status, json.loads(content) if kind == "application/json" else content.decode()

    def current(self) -> int | None:
        link = self.root / "current"
        return int(link.readlink().name) if link.is_symlink() else None

    def confirmed(self) -> int | None:
        link = self.root / "confirmed"
        return int(link.readlink().name) if link.is_symlink() else None

    def state(self) -> dict[str, Any]:
        state = json.loads((self.root / "state.json").read_text())
        assert isinstance(state, dict)
        return state

    def supervisor_pid(self) -> int | None:
        path = self.root / "run" / "supervisor.pid"
        if not path.exists():
            return None
        pid = int(path.read_text().split()[0])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return None
        return pid

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End the supervising process, if one runs, and wait until it is gone."""
        pid = self.supervisor_pid()
        if pid is None:
            return
        os.kill(pid, number)
        until(lambda: not is_alive(pid), 40, "the supervisor ended")


def is_alive(pid: int) -> bool:
    """Whether a process runs (a zombie nobody collects does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def children_of(pid: int) -> list[int]:
    """Process ids of the children a process's main thread started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def until(condition: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Poll a condition of another process."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        time.sleep(0.03)
