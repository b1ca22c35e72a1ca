"""Owns: a lab: a bridge with hosts on it, its key and its known_hosts.

Must not know: tests. Invariants: everything a lab makes outside its folder carries its name (ewlabN) and is recorded
under /run before it is made, so `remnants` can remove it after any crash.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.lab.harness import binfmt, network, remnants, rootfs, ssh
from tests.lab.harness.command import LabError
from tests.lab.harness.host import Host, HostSpec


class Lab:
    """Hosts that can reach each other and this machine, and nothing else."""

    def __init__(self, path: Path) -> None:
        """Claim a bridge; `path` must not exist, and disappears with the lab."""
        if any(mark in str(path) for mark in ",:"):
            raise LabError(f"{path} holds a comma or a colon, which overlayfs reads as separators")
        remnants.remove_orphans()
        path.mkdir(parents=True)
        self.path = path.resolve()
        self._number, self.name = network.claim_bridge()
        remnants.record(self.name, self.path)
        self.known_hosts = self.path / "known_hosts"
        self.identity_file = self.path / "identity"
        ssh.make_key(self.identity_file, self.name)
        self.known_hosts.write_text("")
        self._hosts: dict[str, Host] = {}

    @property
    def hosts(self) -> tuple[Host, ...]:
        """In the order they were added."""
        return tuple(self._hosts.values())

    def host(self, name: str) -> Host:
        """The host called name; a stopped amd64 host is added when there is none."""
        return self._hosts[name] if name in self._hosts else self.add(HostSpec(name))

    def add(self, spec: HostSpec) -> Host:
        """Add a host; it is not started."""
        if spec.name in self._hosts:
            raise LabError(f"{self.name} has a host {spec.name} already")
        if spec.architecture != rootfs.NATIVE:
            binfmt.ensure(spec.architecture)
        lower = rootfs.rootfs(spec.architecture)
        cable = network.Cable(self.name, self._number, len(self._hosts), spec.name)
        login = ssh.Login(cable.address, "root", self.identity_file, self.known_hosts)
        host = Host(spec, self.path / "hosts" / spec.name, lower, cable, login)
        self._hosts[spec.name] = host
        host.make()
        with self.known_hosts.open("a") as known_hosts:
            known_hosts.write(host.known_hosts_line())
        return host

    def start(self, hosts: Iterable[Host] | None = None) -> None:
        """Switch hosts on together (all of them by default); returns when each is usable."""
        chosen = self.hosts if hosts is None else tuple(hosts)
        for host in chosen:
            host.launch()
        for host in chosen:
            host.wait_ready()

    def reset(self, hosts: Iterable[Host] | None = None) -> None:
        """Give hosts new disks and start them again: no trace of what ran before, same names, addresses and keys."""
        chosen = self.hosts if hosts is None else tuple(hosts)
        for host in chosen:
            host.reset()
        self.start(chosen)

    def destroy(self) -> None:
        """Remove everything, the folder included. Idempotent."""
        for host in self.hosts:
            host.kill()
        remnants.remove(self.name, self.path)

    def __enter__(self) -> Self:
        """The lab itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Destroy it, whatever happened."""
        self.destroy()
