"""Packaging: from built and measured variants to a signed release in `dist/<blueprint>`.

Owns the order of the work. Invariants: a release appears whole or not at all; it is verified, signature and every blob,
before it appears; nothing is packaged that has a red gate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edgewright.kernel.clock import rfc3339
from edgewright.kernel.diagnostics import fail
from edgewright.kernel.digest import Digest, digest_bytes
from edgewright.kernel.files import new_folder, write_atomic
from edgewright.kernel.units import release_number
from edgewright.package.agent import build_agent
from edgewright.package.contents import (
    ARTIFACT_TYPE,
    CODE_TYPE,
    OCI_PLATFORMS,
    Contents,
    manifest_annotations,
    write_contents,
)
from edgewright.package.evidence import make_provenance, make_test_results, require_gates, subjects
from edgewright.package.inputs import ReleaseInputs
from edgewright.package.oci import OciLayout
from edgewright.package.sbom import make_sbom
from edgewright.package.signing import Signer
from edgewright.package.statement import (
    Blob,
    Evidence,
    ReleasePredicate,
    ReleaseStatement,
    TargetStatement,
    to_bytes,
)
from edgewright.package.verify import verify_release
from edgewright.package.view import ReleaseView


def package_release(inputs: ReleaseInputs, out: Path, signer: Signer) -> ReleaseView:
    """Write, sign and verify a release; `out` is `dist/<blueprint>` and is replaced whole.

    Raises with exit code 4 for a gate that did not pass, 7 for a key that cannot sign. On any error `out` is untouched.
    """
    _check(inputs)
    with new_folder(out) as folder:
        layout = OciLayout(folder / "release")
        layout.prepare()
        contents = _write_layout(layout, inputs)
        _write_evidence(folder / "evidence", inputs, contents, signer)
        view = verify_release(folder, allowed_signers=signer.allowed_signers, moment=inputs.created)
    return replace(view, path=out)


def _check(inputs: ReleaseInputs) -> None:
    require_gates(inputs)
    names = [variant.target_name for variant in inputs.variants]
    expected = [target for build in inputs.blueprint.spec.builds for target in build.targets]
    if sorted(names) != sorted(expected):
        raise fail(
            "release-incomplete",
            f"{inputs.blueprint.metadata.name} builds for {', '.join(sorted(expected))}, the release has "
            f"{', '.join(sorted(names)) or 'nothing'}",
            hint="a release has every target of its blueprint",
        )


def _write_layout(layout: OciLayout, inputs: ReleaseInputs) -> list[Contents]:
    agent = layout.add_document(build_agent(), CODE_TYPE)
    variants = sorted(inputs.variants, key=lambda variant: variant.target_name)
    contents = [write_contents(layout, inputs, variant, agent) for variant in variants]
    manifests = [
        item.manifest.as_json(
            artifactType=ARTIFACT_TYPE,
            platform=OCI_PLATFORMS[item.variant.target.architecture],
            annotations=manifest_annotations(inputs, item.variant),
        )
        for item in contents
    ]
    metadata = inputs.blueprint.metadata
    layout.write_index(
        manifests,
        {
            "dev.edgewright.blueprint": metadata.name,
            "org.opencontainers.image.created": rfc3339(inputs.created),
            "org.opencontainers.image.version": metadata.version,
        },
    )
    return contents


def _write_evidence(folder: Path, inputs: ReleaseInputs, contents: Sequence[Contents], signer: Signer) -> None:
    documents = {
        "provenance.json": to_bytes(make_provenance(inputs, contents)),
        "test-results.json": to_bytes(make_test_results(inputs, contents)),
        "sbom.cdx.json": make_sbom(inputs, contents),
    }
    evidence = {name: digest_bytes(data) for name, data in documents.items()}
    statement = to_bytes(_statement(inputs, contents, evidence))
    documents["statement.json"] = statement
    documents["statement.json.sig"] = signer.sign(statement)
    documents["allowed_signers"] = signer.allowed_signers
    for name, data in documents.items():
        write_atomic(folder / name, data)


def _statement(inputs: ReleaseInputs, contents: Sequence[Contents], evidence: dict[str, Digest]) -> ReleaseStatement:
    metadata = inputs.blueprint.metadata
    return ReleaseStatement(
        subject=subjects(contents),
        predicate=ReleasePredicate(
            blueprint=metadata.name,
            version=metadata.version,
            release=release_number(metadata.version),
            created=rfc3339(inputs.created),
            expires=rfc3339(inputs.expires),
            fleet=inputs.fleet,
            targets={item.target_name: _target(item) for item in contents},
            evidence=Evidence(
                provenance=evidence["provenance.json"],
                test_results=evidence["test-results.json"],
                sbom=evidence["sbom.cdx.json"],
            ),
        ),
    )


def _target(item: Contents) -> TargetStatement:
    blobs = sorted({(layer.digest, layer.size) for layer in item.layers})
    return TargetStatement(
        manifest=item.manifest.digest,
        backend=item.variant.backend,
        recipe=item.variant.recipe,
        blobs=tuple(Blob(digest=digest, size=size) for digest, size in blobs),
    )
