"""Owns: a clock that is wrong, as on a device without a battery.

Must not know: hosts. Invariants: only Python, and whatever it starts, is deceived: a library preloaded into sshd or
logind breaks them first, and a container cannot set the real clock; only the wall clock is wrong, never a duration
(Debian 12's libfaketime also touches clock_nanosleep, on which Python's sleep then fails with EINVAL or for ever).
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.lab.harness.command import command

COMPILERS = {"amd64": "gcc", "arm64": "aarch64-linux-gnu-gcc"}
LIBRARY = "/usr/lib/lab-clock.so"
SOURCE = r"""
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t id, struct timespec *now) {
  const char *offset = getenv("LAB_CLOCK_OFFSET");
  int result = syscall(SYS_clock_gettime, id, now);
  if (result == 0 && offset && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) now->tv_sec += atol(offset);
  return result;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  struct timespec exact;
  clock_gettime(CLOCK_REALTIME, &exact);
  now->tv_sec = exact.tv_sec;
  now->tv_usec = exact.tv_nsec / 1000;
  return 0;
}
time_t time(time_t *out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return out ? (*out = now.tv_sec) : now.tv_sec;
}
"""
PYTHON = "/usr/bin/python3.11"
# $1: offset in seconds, with its sign. The interpreter is replaced by a wrapper that preloads the library.
SHIFT = f"""\
set -eu
base64 -d > {LIBRARY}.new
mv {LIBRARY}.new {LIBRARY}
test -e {PYTHON}.real || mv {PYTHON} {PYTHON}.real
cat > {PYTHON}.new <<END
#!/bin/bash
export LD_PRELOAD={LIBRARY} LAB_CLOCK_OFFSET=$1
exec -a "\\$0" {PYTHON}.real "\\$@"
END
chmod 755 {PYTHON}.new
mv {PYTHON}.new {PYTHON}
"""


def library(architecture: str) -> bytes:
    """The shared object that adds the offset, for hosts of Debian's architecture."""
    with tempfile.TemporaryDirectory(prefix="lab-clock-") as scratch:
        source, built = Path(scratch, "clock.c"), Path(scratch, "clock.so")
        source.write_text(SOURCE)
        command([COMPILERS[architecture], "-shared", "-fPIC", "-O1", "-o", str(built), str(source)])
        return built.read_bytes()


def shift_argv(offset_s: int) -> list[str]:
    """The command that makes the clock wrong by offset_s, the library in base64 on its stdin; 0 puts it right."""
    return ["sh", "-c", SHIFT, "clock", f"{offset_s:+d}"]
