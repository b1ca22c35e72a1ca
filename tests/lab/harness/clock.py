"""Owns: a clock that is wrong, as on a device without a battery.

Must not know: hosts, but that they have Debian's libfaketime. Invariants: only Python, and whatever it starts, is
deceived: a library preloaded into sshd or logind breaks them first, and a container cannot set the real clock.
"""

from __future__ import annotations

PYTHON = "/usr/bin/python3.11"
# $1: offset in seconds, with its sign. The interpreter is replaced by a wrapper that preloads the library.
SHIFT = f"""\
set -eu
test -e {PYTHON}.real || mv {PYTHON} {PYTHON}.real
library=$(ls /usr/lib/*/faketime/libfaketime.so.1)
cat > {PYTHON}.new <<END
#!/bin/bash
export LD_PRELOAD=$library FAKETIME=$1 FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_DISABLE_SHM=1
exec -a "\\$0" {PYTHON}.real "\\$@"
END
chmod 755 {PYTHON}.new
mv {PYTHON}.new {PYTHON}
"""


def shift_argv(offset_s: int) -> list[str]:
    """The command that makes the clock wrong by offset_s; 0 puts it right."""
    return ["sh", "-c", SHIFT, "clock", f"{offset_s:+d}"]
