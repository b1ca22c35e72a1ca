"""The signed statement of a release and the attestations beside it, as models.

Owns the shapes: in-toto Statement v1 around the release predicate, SLSA provenance v1, test-result v0.1. Must not know
where they are written or how they are signed. Invariants: every model is closed, so a key that this version does not
know is refused; one value has one byte form.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import ConfigDict, Field, ValidationError, model_validator

from edgewright.kernel.diagnostics import fail
from edgewright.kernel.digest import canonical_json
from edgewright.kernel.units import release_number
from edgewright.package.strict_json import parse_object
from edgewright.spec.base import Model, Name, Version

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
RELEASE_PREDICATE: Final = "https://edgewright.dev/attestation/release/v0.1"
PROVENANCE_PREDICATE: Final = "https://slsa.dev/provenance/v1"
TEST_RESULT_PREDICATE: Final = "https://in-toto.io/attestation/test-result/v0.1"
BUILD_TYPE = "https://edgewright.dev/buildtypes/compile/v0.1"

DigestText = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Moment = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]


class Sha256Set(Model):
    """A DigestSet with the one algorithm that we use."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Resource(Model):
    """An in-toto ResourceDescriptor: something with a digest."""

    name: str | None = Field(default=None, max_length=1024)
    uri: str | None = Field(default=None, max_length=2048)
    digest: Mapping[str, str] | None = None
    annotations: Mapping[str, Any] | None = None


class Subject(Model):
    """A target's manifest: what the statement is about."""

    name: Name
    digest: Sha256Set


class Blob(Model):
    """A blob that a device of the target may be given."""

    digest: DigestText
    size: int = Field(ge=0)


class TargetStatement(Model):
    """What the release has for one target."""

    manifest: DigestText
    backend: Name
    recipe: Name
    blobs: tuple[Blob, ...] = Field(min_length=1)


class Evidence(Model):
    """Digests of the unsigned documents beside the statement, which binds them."""

    provenance: DigestText
    test_results: DigestText
    sbom: DigestText


class ReleasePredicate(Model):
    """What is promised: which release, for whom, how long, with exactly which bytes."""

    blueprint: Name
    version: Version
    release: int = Field(ge=1)
    created: Moment
    expires: Moment
    fleet: Name
    targets: Mapping[Name, TargetStatement] = Field(min_length=1)
    evidence: Evidence

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if self.release != release_number(self.version):
            raise ValueError(f"release {self.release} is not the number of version {self.version}")
        if self.expires <= self.created:
            raise ValueError(f"the release expires {self.expires}, before it was created {self.created}")
        return self


class _Statement(Model):
    model_config = ConfigDict(alias_generator=None)

    type_: Literal["https://in-toto.io/Statement/v1"] = Field(default=STATEMENT_TYPE, alias="_type")


class ReleaseStatement(_Statement):
    """The statement that is signed."""

    subject: tuple[Subject, ...] = Field(min_length=1)
    predicate_type: Literal["https://edgewright.dev/attestation/release/v0.1"] = Field(
        default=RELEASE_PREDICATE, alias="predicateType"
    )
    predicate: ReleasePredicate

    @model_validator(mode="after")
    def _subjects_are_the_targets(self) -> Self:
        subjects = {subject.name: f"sha256:{subject.digest.sha256}" for subject in self.subject}
        if len(subjects) != len(self.subject):
            raise ValueError("a subject occurs twice")
        if subjects != {name: target.manifest for name, target in self.predicate.targets.items()}:
            raise ValueError("the subjects are not the manifests of the targets")
        return self


class Provenance(_Statement):
    """How the release was built (SLSA v1)."""

    subject: tuple[Subject, ...] = Field(min_length=1)
    predicate_type: Literal["https://slsa.dev/provenance/v1"] = Field(
        default=PROVENANCE_PREDICATE, alias="predicateType"
    )
    predicate: ProvenancePredicate


class BuildDefinition(Model):
    """What was asked for and what went in."""

    build_type: str
    external_parameters: Mapping[str, Any]
    internal_parameters: Mapping[str, Any]
    resolved_dependencies: tuple[Resource, ...]


class Builder(Model):
    """Who built, with which tools."""

    id: str
    version: Mapping[str, str]


class BuildMetadata(Model):
    """When, and in which run."""

    invocation_id: str
    started_on: Moment
    finished_on: Moment


class RunDetails(Model):
    """The run that built."""

    builder: Builder
    metadata: BuildMetadata


class ProvenancePredicate(Model):
    """SLSA's two halves."""

    build_definition: BuildDefinition
    run_details: RunDetails


class TestResults(_Statement):
    """The gates (in-toto test-result v0.1); `measurements`, an addition, holds the numbers."""

    __test__ = False

    subject: tuple[Subject, ...] = Field(min_length=1)
    predicate_type: Literal["https://in-toto.io/attestation/test-result/v0.1"] = Field(
        default=TEST_RESULT_PREDICATE, alias="predicateType"
    )
    predicate: TestResultPredicate


class TestResultPredicate(Model):
    """All passed, or there would be no release. `on_device` are gates that each device checks at its health check."""

    __test__ = False

    result: Literal["PASSED"]
    configuration: tuple[Resource, ...]
    passed_tests: tuple[str, ...]
    measurements: Mapping[str, tuple[Mapping[str, Any], ...]]
    on_device: tuple[str, ...] = ()


Provenance.model_rebuild()
TestResults.model_rebuild()


def to_bytes(document: _Statement) -> bytes:
    """The one byte form of an attestation."""
    return canonical_json(document.model_dump(mode="json", by_alias=True, exclude_none=True))


def read_statement(data: bytes) -> ReleaseStatement:
    """The statement in these bytes; anything else is `statement-invalid`."""
    document = parse_object(data, "statement.json", "statement-invalid")
    try:
        # JSON has no tuples: strictness about containers is left to the JSON mode of the validator.
        return ReleaseStatement.model_validate_json(canonical_json(document))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "statement"
        raise fail(
            "statement-invalid", f"statement.json: {where[:120]}: {first['msg'][:200]}", subject="statement.json"
        ) from None
