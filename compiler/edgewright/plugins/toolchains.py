"""Programs of the build machine that steps for an architecture start: compilers and emulators, as Debian names them.

Plugins name them in `WorkerStep.tools`, so that a missing one is said before the first minute is spent. Must not know
what the programs are used for. Invariant: nothing is looked up here; a name is not a promise that the program is there.
"""

from __future__ import annotations

import platform

_TRIPLES = {"x86_64": "x86_64-linux-gnu", "aarch64": "aarch64-linux-gnu", "riscv64": "riscv64-linux-gnu"}


def compiler_for(architecture: str) -> tuple[str, ...]:
    """The C compiler of an architecture; none for one that nothing is compiled for."""
    triple = _TRIPLES.get(architecture)
    return (f"{triple}-gcc",) if triple else ()


def emulator_for(architecture: str) -> tuple[str, ...]:
    """The user-mode emulator that runs an architecture's programs here; none for this machine's own."""
    is_native = architecture == platform.machine()
    return () if is_native or architecture not in _TRIPLES else (f"qemu-{architecture}-static",)
