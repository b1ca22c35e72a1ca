"""The seams of edgewright: what a source, an importer, a backend and a metric set promise.

Each is one small object reached through an entry-point group of the same name. Plugins say what to run; they never run
it: the work is done by a worker process in the environment that the plugin names. Nothing here imports a framework.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from edgewright.kernel.digest import Digest
from edgewright.spec.v1beta1.blueprint import BlueprintSpec
from edgewright.spec.v1beta1.compression import Recipe
from edgewright.spec.v1beta1.target import TargetSpec

Environment = Literal["onnx", "genai", "tvm"]
Determinism = Literal["deterministic", "deterministic on this CPU", "not"]


@dataclass(frozen=True, slots=True)
class WorkerStep:
    """One step of a worker: which module, in which environment, with which options, on which named inputs.

    `packages` are the dotted packages or modules whose sources are staged for it, beside `edgewright.plugins.worker`.
    `inputs` maps the worker's input names to names the planner knows: `source`, `canonical`, `onnx`, `dataset`,
    `calibration`, `artifact`. Bounds are generous: they stop a runaway, they do not tune.
    `tools` are programs of this machine that the step starts: missing ones are named before anything runs.
    """

    module: str
    packages: tuple[str, ...]
    environment: Environment
    step: str
    options: Mapping[str, Any]
    inputs: Mapping[str, str]
    version: int = 1
    determinism: Determinism = "deterministic"
    timeout_s: float = 1800.0
    memory_bytes: int = 12 * 2**30
    tools: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reason why a combination cannot be built, for the reader of a blueprint."""

    slug: str
    message: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class WheelRequirement:
    """A runtime package that the device needs: an exact version, resolved to a digest by `lock`."""

    package: str
    version: str


@dataclass(frozen=True, slots=True)
class FileDigest:
    """A file that a source resolved to: safe relative name, digest, size in bytes."""

    name: str
    digest: Digest
    size: int


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a source found: its files, and the licence if the source states one."""

    files: tuple[FileDigest, ...]
    license: str | None = None


@dataclass(frozen=True, slots=True)
class SourceContext:
    """Where a source may look: the repository's root and a download cache of its own.

    `fresh` asks the place itself again, whatever was resolved before.
    """

    repository: Path
    cache: Path
    offline: bool = False
    fresh: bool = False


@runtime_checkable
class Source(Protocol):
    """Where a model comes from. Its options are one member of the blueprint's `source` union."""

    def resolve(self, options: Any, context: SourceContext) -> Resolved:
        """Find the files and their digests; may use the network. Raises EdgewrightError."""

    def acquire(self, options: Any, locked: tuple[FileDigest, ...], context: SourceContext, folder: Path) -> None:
        """Write exactly the locked files into an empty folder, each verified by size and digest."""


@runtime_checkable
class Importer(Protocol):
    """Turns acquired files into the canonical model folder."""

    def step(self, task: str, file: str | None, context_tokens: int) -> WorkerStep:
        """The worker step; its input is `source`."""

    def inspect(self, folder: Path, file: str | None) -> Refusal | None:
        """Why the acquired files in `folder` are not a model to import, or None. Reads headers, needs no framework.

        `file` names the weights among them. The worker step holds its input to the same.
        """


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """What a backend is asked to build: for one target, by one recipe."""

    blueprint: BlueprintSpec
    target_name: str
    target: TargetSpec
    recipe: Recipe
    sequence_lengths: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class RuntimeNeeds:
    """What the device must get beside the artifact, and what the runtime itself takes at run time (estimated)."""

    wheels: tuple[WheelRequirement, ...]
    memory_bytes: int
    disk_bytes: int = 0
    notes: tuple[str, ...] = field(default=())


@runtime_checkable
class Backend(Protocol):
    """Builds artifacts for targets."""

    tasks: frozenset[str]
    methods: frozenset[str]
    architectures: frozenset[str]

    def refuse(self, request: BuildRequest) -> Refusal | None:
        """Why this combination cannot be built, or None. Pure, quick: `check` asks it for every build."""

    def steps(self, request: BuildRequest) -> tuple[tuple[str, WorkerStep], ...]:
        """The steps in order, each with the name under which later steps find its output; the last is `artifact`.

        `source`, `canonical` (the imported model), `dataset` and `calibration` exist before the first one.
        """

    def runtime(self, request: BuildRequest) -> RuntimeNeeds:
        """What the device needs to run the artifact."""

    def bits_per_weight(self, recipe: Recipe) -> float:
        """Average bits of a weight on the device: for estimates before any build."""


@runtime_checkable
class MetricSet(Protocol):
    """Measures built artifacts of one task."""

    task: str
    metrics: Mapping[str, str]
    """Names of the metrics and their units: `` (a ratio), `B`, `s`, `tokens/s`."""
    descriptions: Mapping[str, str]
    """How each metric is measured, in words."""

    def step(self, backend: str, target: TargetSpec, max_tokens: int) -> WorkerStep:
        """The worker step; its inputs are `artifact`, `canonical` (the float32 reference) and `dataset`."""
