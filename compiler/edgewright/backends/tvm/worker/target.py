"""What a build is for: the processor as LLVM and the kernels see it, and the tools that link and run for it.

Owns architecture names, compilers, emulators and register tiles. Refuses what cannot be built here, with the Debian
package that is missing.
"""

from __future__ import annotations

import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import tvm

from edgewright.backends.tvm.worker.kernels import machine
from edgewright.backends.tvm.worker.kernels.machine import Machine
from edgewright.plugins.worker import WorkerError


@dataclass(frozen=True, slots=True)
class Architecture:
    """`compiler` and `emulator` are commands, each with the Debian package that brings it; `sysroot` is for qemu."""

    triple: str
    compiler: str
    compiler_package: str
    emulator: str
    loader_root: str
    abi: str | None = None


ARCHITECTURES = {
    "x86_64": Architecture("x86_64-linux-gnu", "x86_64-linux-gnu-gcc", "gcc", "qemu-x86_64-static", "/"),
    "aarch64": Architecture(
        "aarch64-linux-gnu", "aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu", "qemu-aarch64-static",
        "/usr/aarch64-linux-gnu",
    ),
    "riscv64": Architecture(
        "riscv64-linux-gnu", "riscv64-linux-gnu-gcc", "gcc-riscv64-linux-gnu", "qemu-riscv64-static",
        "/usr/riscv64-linux-gnu", abi="lp64d",
    ),
}  # fmt: skip

EMULATOR_PACKAGE = "qemu-user-static"
ARM_32 = frozenset(("arm", "armv6l", "armv7", "armv7l", "armhf"))


@dataclass(frozen=True, slots=True)
class BuildTarget:
    name: str
    architecture: Architecture
    llvm: tvm.target.Target
    machine: Machine

    @property
    def is_native(self) -> bool:
        return platform.machine() == self.name

    def emulator(self) -> str:
        """The command that runs this architecture's programs; refused when it is not installed."""
        return tool(self.architecture.emulator, EMULATOR_PACKAGE)


def tool(command: str, package: str) -> str:
    """The path of a command, or a refusal that names its Debian package."""
    path = shutil.which(command)
    if path is None:
        raise WorkerError(
            "missing-tool", f"{command} is not installed, it comes with package {package}",
            hint=f"apt-get install {package}",
        )  # fmt: skip
    return path


def resolve(options: Mapping[str, Any]) -> BuildTarget:
    """Read `target` of the step's options: {architecture, llvm: {mtriple?, mcpu?, mattr?, vector_width_floats?}}."""
    name = str(options["architecture"])
    if name in ARM_32:
        raise WorkerError(
            "unsupported-architecture",
            f"{name} compiles and runs but gives wrong numbers (cosine 0.26): 32-bit ARM is not supported by this backend",
            hint="use backend onnxruntime, or a 64-bit system on this device",
        )
    if name not in ARCHITECTURES:
        raise WorkerError(
            "unsupported-architecture",
            f"{name} is not supported by this backend, only {', '.join(sorted(ARCHITECTURES))} are",
        )
    architecture = ARCHITECTURES[name]
    llvm = options.get("llvm") or {}
    description: dict[str, Any] = {"kind": "llvm", "mtriple": llvm.get("mtriple", architecture.triple), "num-cores": 1}
    if llvm.get("mcpu"):
        description["mcpu"] = str(llvm["mcpu"])
    if llvm.get("mattr"):
        description["mattr"] = [str(attribute) for attribute in llvm["mattr"]]
    if architecture.abi:
        description["mabi"] = architecture.abi
    target = tvm.target.Target(description)
    tile = _machine(name, target)
    lanes = llvm.get("vector_width_floats")
    return BuildTarget(name, architecture, target, replace(tile, lanes=int(lanes)) if lanes else tile)


def _machine(name: str, target: tvm.target.Target) -> Machine:
    """The register tile for what the target's LLVM features say."""
    has = lambda feature: bool(tvm.target.codegen.target_has_features([feature], target))
    if name == "x86_64":
        return machine.AVX512 if has("avx512f") else machine.AVX2 if has("avx2") and has("fma") else machine.SSE
    if name == "aarch64":
        return machine.NEON
    return machine.RVV if has("v") else machine.SCALAR
