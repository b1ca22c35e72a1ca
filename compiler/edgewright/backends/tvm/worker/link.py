"""Turning generated code into a shared library, and checking what it asks of the device.

Owns the compiler and linker command lines. Invariant: same input, same bytes: relative names, no build id, no
timestamps; only `edge_*` is exported.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import tvm
from tvm import tirx

from edgewright.backends.tvm.worker.target import BuildTarget, tool
from edgewright.plugins.worker import WorkerError

ALLOWED = frozenset(("libc.so.6", "libm.so.6"))
EXPORTS = "{ global: edge_run; edge_workspace_bytes; edge_weights_bytes; edge_error; local: *; };\n"
COMPILE = ("-std=gnu11", "-O2", "-fPIC", "-Wall", "-Werror")
LINK = (
    "-shared",
    "-s",
    *(f"-Wl,{flag}" for flag in ("--build-id=none", "-z,defs", "-z,noexecstack", "--as-needed")),
    "-Wl,--version-script=exports.map",
)


def compile_kernels(module: tvm.IRModule, target: BuildTarget, path: Path) -> None:
    """Compile every function of a lowered module into one object file."""
    functions = {
        variable.name_hint: function.with_attr("global_symbol", variable.name_hint)
        for variable, function in sorted(module.functions.items(), key=lambda item: item[0].name_hint)
        if isinstance(function, tirx.PrimFunc)
    }
    tvm.tirx.build(tvm.IRModule(functions), target=target.llvm).write_to_file(str(path), "o")


def library(folder: Path, name: str, entry: str, target: BuildTarget) -> Path:
    """Link `<name>.kernels.o` with the C entry in `folder`; returns `<name>.so`."""
    compiler = target.compiler()
    (folder / f"{name}.c").write_text(entry, encoding="ascii")
    (folder / "exports.map").write_text(EXPORTS, encoding="ascii")
    command([compiler, *COMPILE, "-c", f"{name}.c", "-o", f"{name}.entry.o"], folder)
    command([compiler, *LINK, f"{name}.entry.o", f"{name}.kernels.o", "-lm", "-o", f"{name}.so"], folder)
    return folder / f"{name}.so"


def needed(path: Path) -> list[str]:
    """The libraries a library needs; anything beyond the C library is refused."""
    listing = command([tool("readelf", "binutils"), "-d", path.name], path.parent)
    names = sorted(re.findall(r"\(NEEDED\).*\[(.+)\]", listing))
    if extra := [name for name in names if name not in ALLOWED]:
        raise WorkerError("library-dependencies", f"{path.name} needs {', '.join(extra)}, only libc is allowed")
    return names


def command(arguments: list[str], folder: Path) -> str:
    """Run a tool in a folder; its output goes to the step's log when it fails."""
    done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise WorkerError(
            "tool-failed", f"{arguments[0]} ended with {done.returncode}: {done.stderr.strip()[-600:] or 'no message'}"
        )
    return done.stdout
