"""Owns: whether this machine can hold a lab, in one line, and whether it must.

Must not know: how a lab is made. Invariants: looks and never changes anything.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

TOOLS = {
    "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu",
    "gcc": "gcc",
    "ip": "iproute2",
    "losetup": "mount",
    "mkfs.ext4": "e2fsprogs",
    "mmdebstrap": "mmdebstrap",
    "qemu-aarch64-static": "qemu-user-static",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "systemd-nspawn": "systemd-container",
    "unshare": "util-linux",
}


def obstacle() -> str | None:
    """Why there can be no lab here, or None."""
    if os.environ.get("EDGEWRIGHT_LAB") == "off":
        return "the lab is switched off: EDGEWRIGHT_LAB=off"
    if not sys.platform.startswith("linux"):
        return f"the lab needs Linux, this is {sys.platform}"
    if os.geteuid() != 0:
        return "the lab needs root: it makes network namespaces, mounts and control groups"
    missing = sorted({package for tool, package in TOOLS.items() if shutil.which(tool) is None})
    if missing:
        return f"the lab needs Debian packages that are absent: {' '.join(missing)}"
    probe = subprocess.run(["unshare", "--mount", "--net", "true"], capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        return f"the lab needs mount and network namespaces, and root has none here: {probe.stderr.strip()}"
    return None


def is_required() -> bool:
    """Whether an obstacle is an error instead of a reason to skip: root in CI, unless the lab is switched off."""
    return os.environ.get("CI") == "true" and os.geteuid() == 0 and os.environ.get("EDGEWRIGHT_LAB") != "off"
