import dataclasses
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from tests.unit.package.parts import make_key

from edgewright.kernel.diagnostics import EdgewrightError, ExitCode
from edgewright.kernel.digest import digest_file
from edgewright.package.inputs import ReleaseInputs
from edgewright.package.release import package_release
from edgewright.package.signing import Signer, find_signer
from edgewright.package.verify import verify_release
from edgewright.package.view import ReleaseView

Edit = Callable[[Path, Callable[[dict[str, Any]], None]], None]


def refused(error: pytest.ExceptionInfo[EdgewrightError]) -> str:
    return error.value.diagnostics[0].slug


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def verify(view: ReleaseView, inputs: ReleaseInputs, **options: Any) -> ReleaseView:
    return verify_release(view.path, moment=inputs.created, **options)


def test_a_release_verifies_and_its_view_names_every_file(packaged: ReleaseView, inputs: ReleaseInputs) -> None:
    assert verify(packaged, inputs) == packaged
    assert (packaged.number, packaged.fleet, packaged.principal) == (1_004_000, "shops", "edgewright")
    pi = packaged.targets["pi"]
    assert [(layer.path, layer.role, f"{layer.mode:o}") for layer in pi.layers] == [
        ("agent/edgewright-agent.pyz", "agent", "755"),
        ("artifact/artifact.json", "artifact", "644"),
        ("artifact/model/model.onnx", "artifact", "644"),
        ("artifact/test_vector.json", "artifact", "644"),
        ("artifact/tokenizer/tokenizer.json", "artifact", "644"),
        ("wheels/tiny-1.0-py3-none-any.whl", "wheel", "644"),
    ]
    for layer in pi.layers:
        assert digest_file(packaged.blob(layer.digest)) == layer.digest


def test_two_runs_with_equal_inputs_give_equal_bytes(inputs: ReleaseInputs, signer: Signer, tmp_path: Path) -> None:
    package_release(inputs, tmp_path / "a", signer)
    turned = replace(inputs, variants=tuple(reversed(inputs.variants)))
    package_release(turned, tmp_path / "b", signer)
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_targets_share_blobs_and_blobs_are_linked(packaged: ReleaseView, inputs: ReleaseInputs) -> None:
    shared = {layer.digest for layer in packaged.targets["x86"].layers} & {
        layer.digest for layer in packaged.targets["pi"].layers
    }
    weights = inputs.variants[0].artifact / "model" / "model.onnx"
    assert digest_file(weights) in shared
    assert any(
        packaged.blob(digest_file(weights)).samefile(v.artifact / "model" / "model.onnx") for v in inputs.variants
    )


def test_index_and_manifest_have_the_documented_shape(packaged: ReleaseView) -> None:
    index = json.loads((packaged.layout / "index.json").read_bytes())
    assert json.loads((packaged.layout / "oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}
    assert [entry["annotations"]["dev.edgewright.target"] for entry in index["manifests"]] == ["pi", "x86"]
    first = index["manifests"][0]
    assert first["mediaType"] == "application/vnd.oci.image.manifest.v1+json"
    assert first["artifactType"] == "application/vnd.cncf.model.manifest.v1+json"
    assert first["platform"] == {"os": "linux", "architecture": "arm64"}
    manifest = json.loads(packaged.blob(packaged.targets["pi"].manifest_digest).read_bytes())
    assert manifest["config"]["mediaType"] == "application/vnd.cncf.model.config.v1+json"
    weights = next(e for e in manifest["layers"] if e["annotations"]["dev.edgewright.path"].endswith(".onnx"))
    assert weights["mediaType"] == "application/vnd.cncf.model.weight.v1.raw"
    config = json.loads(packaged.blob(manifest["config"]["digest"]).read_bytes())
    assert set(config) == {"descriptor", "modelfs", "config"}
    assert config["modelfs"]["diffIds"] == [layer["digest"] for layer in manifest["layers"]]


def test_the_bill_of_materials_is_valid_cyclonedx(packaged: ReleaseView) -> None:
    text = (packaged.path / "evidence" / "sbom.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document = json.loads(text)
    by_ref = {component["bom-ref"]: component for component in document["components"]}
    model = by_ref["model:pi"]
    assert model["type"] == "machine-learning-model"
    assert model["hashes"][0]["content"] == packaged.targets["pi"].manifest_digest.removeprefix("sha256:")
    assert {p["name"]: p["value"] for p in model["properties"]}["edgewright:quantisation"] == "int8-dynamic"
    assert model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"][0]["value"] == "0.9951"
    assert model["licenses"][0]["license"]["id"] == "Apache-2.0"
    wheel = by_ref["wheel:tiny-1.0-py3-none-any.whl"]
    assert wheel["purl"].startswith("pkg:pypi/tiny@1.0")
    assert wheel["licenses"][0]["license"]["id"] == "MIT"
    assert by_ref["dataset:data/text.jsonl"]["type"] == "data"


def test_the_attestations_name_the_manifests_and_what_went_in(packaged: ReleaseView) -> None:
    provenance = json.loads((packaged.path / "evidence" / "provenance.json").read_bytes())
    results = json.loads((packaged.path / "evidence" / "test-results.json").read_bytes())
    manifests = {s["name"]: "sha256:" + s["digest"]["sha256"] for s in provenance["subject"]}
    assert manifests == {name: target.manifest_digest for name, target in packaged.targets.items()}
    definition = provenance["predicate"]["buildDefinition"]
    assert definition["externalParameters"]["builds"]["pi"] == {"backend": "onnxruntime", "recipe": "int8"}
    assert {"gitCommit": "a" * 40} in [item["digest"] for item in definition["resolvedDependencies"]]
    assert provenance["predicate"]["runDetails"]["builder"]["id"] == "https://edgewright.dev/builder/local/v0.1"
    assert results["predicate"]["passedTests"] == ["pi/cosine_mean", "x86/cosine_mean"]
    assert results["predicate"]["onDevice"] == ["pi/latency_p95", "x86/latency_p95"]


@pytest.mark.parametrize("verdict", ["fail", "inconclusive", None])
def test_a_gate_that_did_not_pass_is_not_packaged(
    inputs: ReleaseInputs, signer: Signer, tmp_path: Path, verdict: str | None
) -> None:
    red = replace(inputs.variants[0], gates=({"metric": "cosine_mean", "verdict": verdict},))
    with pytest.raises(EdgewrightError) as error:
        package_release(replace(inputs, variants=(red, inputs.variants[1])), tmp_path / "dist", signer)
    assert (refused(error), error.value.exit_code) == ("gate-red", ExitCode.GATE)
    assert not (tmp_path / "dist").exists()


def test_a_gate_that_nobody_measured_is_not_packaged(inputs: ReleaseInputs, signer: Signer, tmp_path: Path) -> None:
    unmeasured = replace(inputs.variants[0], gates=())
    with pytest.raises(EdgewrightError) as error:
        package_release(replace(inputs, variants=(unmeasured, inputs.variants[1])), tmp_path / "dist", signer)
    assert (refused(error), error.value.exit_code) == ("gate-not-measured", ExitCode.GATE)


def test_a_release_lacks_no_target(inputs: ReleaseInputs, signer: Signer, tmp_path: Path) -> None:
    with pytest.raises(EdgewrightError) as error:
        package_release(replace(inputs, variants=inputs.variants[:1]), tmp_path / "dist", signer)
    assert refused(error) == "release-incomplete"


@pytest.mark.parametrize("missing", ["artifact.json", "test_vector.json"])
def test_an_artifact_that_is_not_whole_leaves_the_old_release_in_place(
    packaged: ReleaseView, inputs: ReleaseInputs, signer: Signer, missing: str
) -> None:
    before = tree(packaged.path)
    (inputs.variants[1].artifact / missing).unlink()
    with pytest.raises(EdgewrightError) as error:
        package_release(inputs, packaged.path, signer)
    assert refused(error) == "artifact-invalid"
    assert tree(packaged.path) == before
    assert [p.name for p in packaged.path.parent.iterdir()] == ["search"]


def test_an_artifact_of_another_architecture_is_refused(inputs: ReleaseInputs, signer: Signer, tmp_path: Path) -> None:
    swapped = [replace(v, artifact=o.artifact) for v, o in zip(inputs.variants, reversed(inputs.variants), strict=True)]
    with pytest.raises(EdgewrightError) as error:
        package_release(replace(inputs, variants=swapped), tmp_path / "dist", signer)
    assert refused(error) == "artifact-invalid"


@pytest.mark.parametrize("deep", [True, False])
def test_a_tampered_blob_is_named(packaged: ReleaseView, inputs: ReleaseInputs, deep: bool) -> None:
    layer = packaged.targets["pi"].layers[2]
    blob = packaged.blob(layer.digest)
    content = blob.read_bytes()
    blob.unlink()
    blob.write_bytes(b"X" + content[1:] if deep else content + b"X")
    with pytest.raises(EdgewrightError) as error:
        verify(packaged, inputs, deep=deep)
    assert refused(error) == "blob-tampered"
    assert layer.digest in error.value.diagnostics[0].notes[0]


def test_a_missing_blob_is_named(packaged: ReleaseView, inputs: ReleaseInputs) -> None:
    packaged.blob(packaged.targets["pi"].layers[2].digest).unlink()
    with pytest.raises(EdgewrightError) as error:
        verify(packaged, inputs, deep=False)
    assert refused(error) == "blob-missing"


@pytest.mark.parametrize("name", ["provenance.json", "test-results.json", "sbom.cdx.json"])
def test_changed_evidence_is_refused(packaged: ReleaseView, inputs: ReleaseInputs, name: str) -> None:
    path = packaged.path / "evidence" / name
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(EdgewrightError) as error:
        verify(packaged, inputs)
    assert refused(error) == "blob-tampered"


def test_a_changed_statement_is_refused(packaged: ReleaseView, inputs: ReleaseInputs) -> None:
    packaged.statement.write_bytes(packaged.statement.read_bytes().replace(b"shops", b"shopz"))
    with pytest.raises(EdgewrightError) as error:
        verify(packaged, inputs)
    assert refused(error) == "signature-invalid"


def test_another_key_is_refused_by_a_trusted_list(
    packaged: ReleaseView, inputs: ReleaseInputs, tmp_path: Path, signer: Signer
) -> None:
    other = find_signer(make_key(tmp_path / "other"))
    with pytest.raises(EdgewrightError) as error:
        verify(packaged, inputs, allowed_signers=other.allowed_signers)
    assert refused(error) == "signature-invalid"
    assert verify(packaged, inputs, allowed_signers=other.allowed_signers + signer.allowed_signers)


def test_an_expired_release_is_refused_to_the_second(packaged: ReleaseView, inputs: ReleaseInputs) -> None:
    verify_release(packaged.path, moment=inputs.expires - timedelta(seconds=1))
    with pytest.raises(EdgewrightError) as error:
        verify_release(packaged.path, moment=inputs.expires)
    assert refused(error) == "release-expired"


def test_an_index_that_lists_another_manifest_is_refused(packaged: ReleaseView, inputs: ReleaseInputs) -> None:
    path = packaged.layout / "index.json"
    index = json.loads(path.read_bytes())
    index["manifests"][0]["digest"], index["manifests"][1]["digest"] = (
        index["manifests"][1]["digest"],
        index["manifests"][0]["digest"],
    )
    path.write_text(json.dumps(index))
    with pytest.raises(EdgewrightError) as error:
        verify(packaged, inputs)
    assert refused(error) == "index-mismatch"


@pytest.mark.parametrize(
    ("change", "slug"),
    [
        (lambda d: d.update(surprise=1), "statement-invalid"),
        (lambda d: d["predicate"].update(release=7), "statement-invalid"),
        (lambda d: d["predicate"].update(expires="2020-01-01T00:00:00Z"), "statement-invalid"),
        (lambda d: d["subject"].pop(), "statement-invalid"),
        (lambda d: d["predicate"]["targets"]["pi"]["blobs"].pop(), "manifest-mismatch"),
        (lambda d: d["predicate"].update(targets={}), "statement-invalid"),
    ],
)
def test_a_signed_statement_that_contradicts_itself_is_refused(
    packaged: ReleaseView, inputs: ReleaseInputs, resign: Edit, change: Callable[[dict[str, Any]], None], slug: str
) -> None:
    resign(packaged.path, change)
    with pytest.raises(EdgewrightError) as error:
        verify(packaged, inputs)
    assert refused(error) == slug


def test_a_duplicate_key_in_a_signed_statement_is_refused(
    packaged: ReleaseView, inputs: ReleaseInputs, signer: Signer
) -> None:
    data = packaged.statement.read_bytes().replace(b'"fleet":', b'"fleet":"other","fleet":', 1)
    packaged.statement.write_bytes(data)
    packaged.signature.write_bytes(signer.sign(data))
    with pytest.raises(EdgewrightError) as error:
        verify(packaged, inputs)
    assert refused(error) == "statement-invalid"


def test_no_release_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(EdgewrightError) as error:
        verify_release(tmp_path / "dist")
    assert (refused(error), error.value.exit_code) == ("release-missing", ExitCode.MISSING)


def test_views_are_values(packaged: ReleaseView) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        packaged.version = "2.0.0"  # type: ignore[misc]
    assert packaged.targets["pi"].size_bytes == sum(size for _, size in packaged.blobs()) - len(
        (packaged.blob(packaged.targets["x86"].layers[1].digest)).read_bytes()
    )
