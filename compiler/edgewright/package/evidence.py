"""The attestations of a release: provenance and test results, and the rule that every gate passed.

Owns their contents. Must not know where they are written. Invariant: evidence exists only for a release whose every
build gate was measured and passed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from edgewright.kernel.clock import rfc3339
from edgewright.kernel.diagnostics import Diagnostic, EdgewrightError, ExitCode
from edgewright.kernel.digest import Digest, digest_json, hex_of
from edgewright.package.contents import Contents
from edgewright.package.inputs import ReleaseInputs, Variant, installed_version
from edgewright.package.statement import (
    BUILD_TYPE,
    BuildDefinition,
    Builder,
    BuildMetadata,
    Provenance,
    ProvenancePredicate,
    Resource,
    RunDetails,
    Sha256Set,
    Subject,
    TestResultPredicate,
    TestResults,
)


def require_gates(inputs: ReleaseInputs) -> None:
    """Refuse a variant with a gate that did not pass, or that the blueprint has and nobody measured."""
    problems = [problem for variant in inputs.variants for problem in _gate_problems(inputs, variant)]
    if problems:
        raise EdgewrightError(*problems, exit_code=ExitCode.GATE)


def _gate_problems(inputs: ReleaseInputs, variant: Variant) -> Iterator[Diagnostic]:
    what = f"{variant.target_name} ({variant.backend}, {variant.recipe})"
    results = [gate for gate in variant.gates if gate.get("where", "build") == "build"]
    for gate in results:
        if gate.get("verdict") != "pass":
            message = f"{gate.get('metric')} of {what} is {gate.get('verdict')}: only what passed is packaged"
            yield Diagnostic("gate-red", message, subject=variant.target_name, hint="see edgewright evaluate")
    measured = [str(gate.get("metric")) for gate in results]
    for spec in inputs.blueprint.spec.gates:
        covers = spec.where == "build" and spec.covers(target=variant.target_name, backend=variant.backend)
        if covers and spec.metric not in measured:
            message = f"{spec.metric} of {what} was never measured: only what passed is packaged"
            yield Diagnostic("gate-not-measured", message, subject=variant.target_name, hint="run edgewright evaluate")


def subjects(contents: Iterable[Contents]) -> tuple[Subject, ...]:
    """The manifests, by target."""
    return tuple(
        Subject(name=item.target_name, digest=Sha256Set(sha256=hex_of(item.manifest.digest)))
        for item in sorted(contents, key=lambda item: item.target_name)
    )


def make_provenance(inputs: ReleaseInputs, contents: Sequence[Contents]) -> Provenance:
    """SLSA provenance: the blueprint as parameter; documents, weights, data and wheels as dependencies."""
    metadata = inputs.blueprint.metadata
    builds = {v.target_name: {"backend": v.backend, "recipe": v.recipe} for v in inputs.variants}
    parameters: dict[str, Any] = {"blueprint": metadata.name, "version": metadata.version, "builds": builds}
    dependencies = tuple(_dependencies(inputs))
    moment = rfc3339(inputs.created)
    invocation = digest_json([parameters, [item.model_dump(mode="json") for item in dependencies]])
    return Provenance(
        subject=subjects(contents),
        predicate=ProvenancePredicate(
            build_definition=BuildDefinition(
                build_type=BUILD_TYPE,
                external_parameters=parameters,
                internal_parameters={"environments": dict(sorted(inputs.environments.items()))},
                resolved_dependencies=dependencies,
            ),
            run_details=RunDetails(
                builder=Builder(id=inputs.builder, version={**inputs.tools, "edgewright": installed_version()}),
                metadata=BuildMetadata(invocation_id=invocation, started_on=moment, finished_on=moment),
            ),
        ),
    )


def _dependencies(inputs: ReleaseInputs) -> Iterator[Resource]:
    if inputs.commit is not None:
        yield Resource(name="fleet repository", digest={"gitCommit": inputs.commit})
    for path, digest in sorted(inputs.documents.items()):
        yield _resource(path, digest, {"kind": "document"})
    for entry in inputs.lock.spec.entries:
        for file in entry.files:
            marks: dict[str, Any] = {"kind": entry.kind, "size": file.size}
            yield _resource(f"{entry.name}/{file.name}", file.digest, marks)


def _resource(name: str, digest: Digest, marks: Mapping[str, Any]) -> Resource:
    return Resource(name=name, digest={"sha256": hex_of(digest)}, annotations=marks)


def make_test_results(inputs: ReleaseInputs, contents: Sequence[Contents]) -> TestResults:
    """The gates of every target with their numbers."""
    require_gates(inputs)
    variants = sorted(inputs.variants, key=lambda variant: variant.target_name)
    datasets = [entry for entry in inputs.lock.spec.entries if entry.kind == "dataset"]
    return TestResults(
        subject=subjects(contents),
        predicate=TestResultPredicate(
            result="PASSED",
            configuration=tuple(
                _resource(entry.name, entry.files[0].digest, {"kind": "dataset"}) for entry in datasets
            ),
            passed_tests=tuple(
                f"{variant.target_name}/{gate['metric']}"
                for variant in variants
                for gate in _sorted_gates(variant)
                if gate.get("where", "build") == "build"
            ),
            measurements={variant.target_name: tuple(map(dict, _sorted_gates(variant))) for variant in variants},
            on_device=tuple(
                f"{variant.target_name}/{gate.metric}"
                for variant in variants
                for gate in inputs.blueprint.spec.gates
                if gate.where == "device" and gate.covers(target=variant.target_name, backend=variant.backend)
            ),
        ),
    )


def _sorted_gates(variant: Variant) -> list[Mapping[str, Any]]:
    return sorted(variant.gates, key=lambda gate: (str(gate["metric"]), digest_json(dict(gate))))
