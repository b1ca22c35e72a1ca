"""Owns: what is inside the root file system of a lab host, before it becomes a particular host.

Must not know: how it is built, cached or started.
Invariants: no secret and no identity (host key, machine id, authorised key) is part of the recipe; the same recipe is
used for every architecture. Sources of the numbers: Debian 12 (bookworm) is the oldest system edgewright supports that
has systemd 252 and Python 3.11.
"""

from __future__ import annotations

import shutil
from pathlib import Path

SUITE = "bookworm"
USER = "edge"
PACKAGES = (
    "systemd", "systemd-sysv", "dbus", "libpam-systemd",  # a real init, and `systemctl` over its bus
    "openssh-server",  # brings openssh-client: ssh-keygen -Y verify is how a device checks a release
    "python3",  # the device agent's only interpreter
    "libstdc++6",  # the one library that runtime wheels expect beside libc
    "iproute2", "procps", "sudo",  # what Ansible's facts and `become` use
)  # fmt: skip

# Units that only cost boot time in a lab, or that would look for hardware or a network.
DISABLED_UNITS = (
    "apt-daily.timer", "apt-daily-upgrade.timer", "console-getty.service", "dpkg-db-backup.timer", "e2scrub_all.timer",
    "e2scrub_reap.service", "fstrim.timer", "getty@tty1.service", "hwclock.service", "systemd-networkd.service",
    "systemd-pstore.service", "systemd-resolved.service", "systemd-timesyncd.service",
)  # fmt: skip

# What qemu-user 7.2 cannot do for systemd, as drop-ins (unit or type of unit -> text):
# - LoadCredential= forks with a new mount namespace in one clone(2), which it refuses with EINVAL;
# - PrivateNetwork= peeks at a socket with recvmsg(2) and no buffer, which it answers with 0 instead of EAGAIN, and
#   systemd takes that for a broken peer. The service then runs in the host's network; amd64 hosts test the isolation.
# unshare(2) works, so everything else (DynamicUser, ProtectSystem, PrivateTmp, StateDirectory, ...) is left alone.
EMULATED_DROP_INS = {
    "service": "[Service]\nPrivateNetwork=no\n",
    "systemd-sysusers.service": "[Service]\nLoadCredential=\n",
    "systemd-tmpfiles-setup-dev.service": "[Service]\nLoadCredential=\n",
    "systemd-tmpfiles-setup.service": "[Service]\nLoadCredential=\n",
}

SSHD_OPTIONS = """\
UseDNS no
PermitRootLogin yes
PasswordAuthentication no
MaxStartups 100:30:200
MaxSessions 50
HostKey /etc/ssh/ssh_host_ed25519_key
AuthorizedKeysFile /etc/ssh/authorized_keys
"""

# systemd-nspawn mounts cgroup v1 controllers read-only, and MemoryMax= would be ignored without a word.
INIT_PATH = "/usr/local/sbin/lab-init"
INIT = """\
#!/bin/sh
for controller in memory cpu cpuacct pids; do
    mount -o remount,rw,bind "/sys/fs/cgroup/$controller" 2>/dev/null
done
exec /lib/systemd/systemd
"""


def apply(root: Path, *, emulated: bool) -> None:
    """Turn a configured Debian tree into the lab's lower layer."""
    etc = root / "etc"
    for key in etc.glob("ssh/ssh_host_*"):
        key.unlink()
    (etc / "machine-id").write_text("")
    (etc / "ssh/sshd_config.d/lab.conf").write_text(SSHD_OPTIONS)
    _private(etc / "sudoers.d/lab", f"{USER} ALL=(ALL) NOPASSWD: ALL\n")
    units = etc / "systemd/system"
    for unit in DISABLED_UNITS:
        (units / unit).unlink(missing_ok=True)
        (units / unit).symlink_to("/dev/null")
    (units / "default.target").unlink(missing_ok=True)
    (units / "default.target").symlink_to("/lib/systemd/system/multi-user.target")
    if emulated:
        for unit, text in EMULATED_DROP_INS.items():
            (units / f"{unit}.d").mkdir()
            (units / f"{unit}.d/emulated.conf").write_text(text)
    init = root / INIT_PATH.lstrip("/")
    init.write_text(INIT)
    init.chmod(0o755)
    for spare in ("usr/share/doc", "usr/share/man", "usr/share/locale", "var/cache/apt", "var/lib/apt/lists"):
        shutil.rmtree(root / spare, ignore_errors=True)


def _private(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o440)
