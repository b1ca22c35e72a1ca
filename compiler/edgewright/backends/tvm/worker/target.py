"""What a build is for: the processor as LLVM and the kernels see it, and the tools that link and run for it.

Owns architecture names, compilers, emulators and register tiles. Refuses what cannot be built here, with the Debian
package that is missing.
"""

from __future__ import annotations

import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tvm

from edgewright.backends.tvm.worker.kernels import machine
from edgewright.backends.tvm.worker.kernels.machine import Machine
from edgewright.plugins.worker import WorkerError


@dataclass(frozen=True, slots=True)
class Architecture:
    """Names as Debian's tools write them; `features` are those the kernels may use that not every CPU has."""

    triple: str
    emulator: str
    features: tuple[str, ...] = ()
    abi: str | None = None


ARCHITECTURES = {
    "x86_64": Architecture("x86_64-linux-gnu", "qemu-x86_64-static", features=("avx2", "avx512f")),
    "aarch64": Architecture("aarch64-linux-gnu", "qemu-aarch64-static"),
    "riscv64": Architecture("riscv64-linux-gnu", "qemu-riscv64-static", features=("v",), abi="lp64d"),
}
EMULATOR_CPUS = {("riscv64", machine.RVV): "rv64,v=true,vlen=128,vext_spec=v1.0"}
"""CPUs that qemu does not assume by itself: vectors, of the shortest length the extension allows."""

EMULATOR_PACKAGE = "qemu-user-static"
VECTOR_WIDTHS = (4, 8, 16)
ARM_32 = frozenset(("arm", "armv6l", "armv7", "armv7l", "armhf"))


@dataclass(frozen=True, slots=True)
class BuildTarget:
    """A resolved target: its LLVM description, its register tile, its tools."""

    name: str
    architecture: Architecture
    llvm: tvm.target.Target
    machine: Machine
    emulator_cpu: str | None = None

    @property
    def is_native(self) -> bool:
        """Whether this machine has the target's architecture."""
        return platform.machine() == self.name

    def compiler(self) -> str:
        """The C compiler for this architecture; refused when it is not installed."""
        triple = self.architecture.triple
        package = "gcc" if self.is_native else f"gcc-{triple.replace('_', '-')}"
        return tool(f"{triple}-gcc", package)

    def emulator(self) -> list[str]:
        """How programs of this architecture are started; refused when the emulator is not installed."""
        command = [tool(self.architecture.emulator, EMULATOR_PACKAGE), "-L", f"/usr/{self.architecture.triple}"]
        return command + (["-cpu", self.emulator_cpu] if self.emulator_cpu else [])

    def missing_features(self) -> list[str]:
        """What the library uses and this machine's own CPU lacks: then it cannot be verified here."""
        if not self.is_native:
            return []
        present = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
        return [name for name in self.architecture.features if _has(self.llvm, name) and name not in present]


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
            f"{name} compiles and runs but gives wrong numbers (cosine 0.26): this backend has no 32-bit ARM",
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
    if lanes := llvm.get("vector_width_floats"):
        if lanes not in VECTOR_WIDTHS:
            raise WorkerError("vector-width", f"vector_width_floats is {lanes}, one of {VECTOR_WIDTHS} is allowed")
        tile = replace(tile, lanes=int(lanes))
    return BuildTarget(name, architecture, target, tile, EMULATOR_CPUS.get((name, tile)))


def _machine(name: str, target: tvm.target.Target) -> Machine:
    """The register tile for what the target's LLVM features say."""
    if name == "x86_64":
        if _has(target, "avx512f"):
            return machine.AVX512
        return machine.AVX2 if _has(target, "avx2") and _has(target, "fma") else machine.SSE
    if name == "aarch64":
        return machine.NEON
    return machine.RVV if _has(target, "v") else machine.SCALAR


def _has(target: tvm.target.Target, feature: str) -> bool:
    return bool(tvm.target.codegen.target_has_features([feature], target))
