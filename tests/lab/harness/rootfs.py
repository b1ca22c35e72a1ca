"""Owns: building the lower layer once for each architecture, and its cache.

Must not know: hosts. Invariants: a cached tree is complete (built aside, renamed last) and is never written again; its
name is the digest of everything that decides its content but the age of Debian's mirror.

amd64 is an ordinary mmdebstrap. A foreign architecture is not: configuring its packages under emulation takes six
minutes. Its packages are only unpacked (no foreign code runs), and what configuration leaves behind (users, PAM stacks,
alternatives, enabled units, byte code), none of which is machine code, is transplanted from the amd64 tree: 10 seconds.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import platformdirs
from filelock import FileLock
from tests.lab.harness import recipe
from tests.lab.harness.command import LabError, command

NATIVE = "amd64"
BUILD_TIMEOUT_S = 900
MERGE_USR = 'for d in bin sbin lib; do mkdir -p "$1/usr/$d"; ln -s "usr/$d" "$1/$d"; done'
ADD_USER = f'chroot "$1" useradd --create-home --shell /bin/bash {recipe.USER}'
# Paths of the native tree that belong to its architecture or to dpkg's record of it.
NATIVE_ONLY = re.compile(
    r"x86[-_]64|i386|(^|/)lib64(/|$)|^var/lib/dpkg/|^etc/ld\.so\.cache$|^dev/|^usr/share/(doc|man|locale)/"
)


def cache_folder() -> Path:
    """Where the trees of this recipe live."""
    digest = hashlib.sha256()
    for source in (Path(__file__), Path(recipe.__file__)):
        digest.update(source.read_bytes())
    return Path(platformdirs.user_cache_dir("edgewright-lab")) / digest.hexdigest()[:16]


def rootfs(architecture: str) -> Path:
    """The read-only tree for an architecture in Debian's words; built when absent. Raises LabError."""
    if platform.machine() != "x86_64":
        raise LabError(f"the lab builds its native hosts on x86_64 only, this machine is {platform.machine()}")
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    ready = folder / architecture
    with FileLock(folder / f"{architecture}.lock"):
        if not ready.is_dir():
            _build(architecture, ready)
    return ready


def _build(architecture: str, ready: Path) -> None:
    aside = ready.with_name(f".{architecture}.partial")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        if architecture == NATIVE:
            _bootstrap(aside, NATIVE, "essential", recipe.PACKAGES, f"--customize-hook={ADD_USER}")
        else:
            native = rootfs(NATIVE)
            packages = command(["dpkg-query", f"--admindir={native}/var/lib/dpkg", "-W", "-f", "${Package}\n"]).split()
            _bootstrap(aside, architecture, "extract", packages, f"--setup-hook={MERGE_USR}")
            transplant(native, aside)
        recipe.apply(aside, emulated=architecture != NATIVE)
        aside.rename(ready)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _bootstrap(root: Path, architecture: str, variant: str, packages: tuple[str, ...] | list[str], hook: str) -> None:
    argv = ["nice", "-n", "5", "mmdebstrap", "--quiet", f"--variant={variant}", f"--architectures={architecture}", hook]
    argv += [f"--include={','.join(packages)}", recipe.SUITE, str(root)]
    if mirror := os.environ.get("EDGEWRIGHT_LAB_MIRROR"):
        argv.append(mirror)
    command(argv, timeout_s=BUILD_TIMEOUT_S)


def transplant(native: Path, foreign: Path) -> None:
    """Give an unpacked foreign tree what package configuration left in the native one: files, owners and modes."""
    for source, name in _walk(native):
        target = foreign / name
        found = source.lstat()
        if os.path.lexists(target) and stat.S_IFMT(target.lstat().st_mode) != stat.S_IFMT(found.st_mode):
            # configuration turned it into something else: /var/lock, an empty folder in base-files, becomes a link
            target.rmdir() if target.is_dir() and not target.is_symlink() else target.unlink()
        if not os.path.lexists(target):
            _copy(source, target, found)
        os.chown(target, found.st_uid, found.st_gid, follow_symlinks=False)
        if not stat.S_ISLNK(found.st_mode):
            target.chmod(stat.S_IMODE(found.st_mode))


def _walk(native: Path) -> Iterator[tuple[Path, str]]:
    """Every entry of the native tree that is not of its architecture, parents before children."""
    for folder, folders, files in os.walk(native):
        here = Path(folder)
        for entry in sorted(folders + files):
            name = str((here / entry).relative_to(native))
            if not NATIVE_ONLY.search(name) and not NATIVE_ONLY.search(f"{name}/"):
                yield here / entry, name


def _copy(source: Path, target: Path, found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        target.mkdir()
    elif stat.S_ISLNK(found.st_mode):
        target.symlink_to(source.readlink())
    elif stat.S_ISREG(found.st_mode):
        with source.open("rb") as file:
            if file.read(4) == b"\x7fELF":
                raise LabError(f"{source} is machine code that no package owns: it cannot be transplanted")
        shutil.copy2(source, target)
