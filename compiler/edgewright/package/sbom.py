"""The bill of materials: a CycloneDX 1.6 ML-BOM of a release.

Owns what is listed: a model component for each target with the hashes of its files, its licence, its quantisation and a
model card; the weights it was made from; the wheels of the runtime; the agent; the datasets it was measured on.
Invariant: the same release gives the same bytes; the serial number is derived from the contents.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.utils import parse_wheel_filename

from edgewright.kernel.digest import Digest, canonical_json, hex_of
from edgewright.package.contents import Contents
from edgewright.package.inputs import ReleaseInputs, installed_version
from edgewright.package.view import Layer
from edgewright.plugins.wheel_metadata import license_of_wheel
from edgewright.spec.v1beta1.lock import LockEntry

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://edgewright.dev/sbom")
_BASE = "base-model"


def make_sbom(inputs: ReleaseInputs, contents: Iterable[Contents]) -> bytes:
    """The ML-BOM of a release as canonical JSON."""
    listed = list(contents)
    release = _release_component(inputs)
    base = [_base_model(entry) for entry in inputs.lock.spec.entries if entry.kind == "model"]
    datasets = [_dataset(entry) for entry in inputs.lock.spec.entries if entry.kind == "dataset"]
    models = {item.target_name: _model(inputs, item) for item in listed}
    parts = {
        _part_ref(layer): _part(layer, item) for item in listed for layer in item.layers if layer.role != "artifact"
    }
    bom = Bom(
        serial_number=uuid.uuid5(_NAMESPACE, "\n".join(sorted(item.manifest.digest for item in listed))),
        metadata=BomMetaData(component=release, timestamp=inputs.created, tools=ToolRepository(components=[_tool()])),
        components=[*base, *datasets, *models.values(), *parts.values()],
    )
    bom.register_dependency(release, models.values())
    for item in listed:
        needed = [parts[_part_ref(layer)] for layer in item.layers if layer.role != "artifact"]
        bom.register_dependency(models[item.target_name], [*base, *needed])
    document = json.loads(JsonV1Dot6(bom).output_as_string())
    _add_model_cards(document, inputs, listed, datasets)
    return canonical_json(document)


def _sha256(digest: Digest) -> list[HashType]:
    return [HashType(alg=HashAlgorithm.SHA_256, content=hex_of(digest))]


def _licenses(stated: str | None) -> list[Any]:
    return [LicenseFactory().make_from_string(stated)] if stated else []


def _properties(values: Mapping[str, object]) -> list[Property]:
    return [Property(name=f"edgewright:{name}", value=str(value)) for name, value in values.items()]


def _release_component(inputs: ReleaseInputs) -> Component:
    metadata = inputs.blueprint.metadata
    return Component(
        name=metadata.name,
        version=metadata.version,
        type=ComponentType.APPLICATION,
        bom_ref="release",
        description=metadata.description,
        properties=_properties({"fleet": inputs.fleet, "task": inputs.blueprint.spec.model.task}),
    )


def _tool() -> Component:
    return Component(
        name="edgewright", version=installed_version(), type=ComponentType.APPLICATION, bom_ref="tool:edgewright"
    )


def _base_model(entry: LockEntry) -> Component:
    request = entry.request
    purl = None
    if request.get("type") == "wheel":
        purl = PackageURL("pypi", None, str(request["package"]).lower().replace("_", "-"), str(request["version"]))
    elif request.get("type") == "huggingface":
        owner, _, name = str(request["repository"]).rpartition("/")
        purl = PackageURL("huggingface", owner or None, name, str(request["revision"]))
    return Component(
        name=str(request.get("package") or request.get("repository") or request.get("path") or request.get("url")),
        version=str(request.get("version") or request.get("revision") or "") or None,
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref=_BASE,
        purl=purl,
        licenses=_licenses(entry.license),
        components=[_file(f"{_BASE}/{file.name}", file.name, file.digest, file.size) for file in entry.files],
    )


def _file(ref: str, name: str, digest: Digest, size: int) -> Component:
    return Component(
        name=name, type=ComponentType.FILE, bom_ref=ref, hashes=_sha256(digest), properties=_properties({"size": size})
    )


def _dataset(entry: LockEntry) -> Component:
    first = entry.files[0]
    return Component(
        name=entry.name,
        type=ComponentType.DATA,
        bom_ref=f"dataset:{entry.name}",
        hashes=_sha256(first.digest),
        properties=_properties({"size": first.size}),
    )


def _model(inputs: ReleaseInputs, item: Contents) -> Component:
    """The artifact of a target; its own hash is that of the OCI manifest that lists every file."""
    name = inputs.blueprint.metadata.name
    locked = next((entry for entry in inputs.lock.spec.entries if entry.kind == "model"), None)
    ref = f"model:{item.target_name}"
    variant = item.variant
    facts = {
        "target": item.target_name,
        "architecture": variant.target.architecture,
        "backend": variant.backend,
        "recipe": variant.recipe,
        "quantisation": item.quantisation,
    }
    return Component(
        name=f"{name}-{item.target_name}",
        version=inputs.blueprint.metadata.version,
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref=ref,
        hashes=_sha256(item.manifest.digest),
        purl=PackageURL("oci", None, name, item.manifest.digest, {"tag": item.target_name}),
        licenses=_licenses(locked.license if locked else None),
        components=[_file(f"{ref}/{f.path}", f.path, f.digest, f.size) for f in item.layers if f.role == "artifact"],
        properties=_properties(facts),
    )


def _part_ref(layer: Layer) -> str:
    return f"{layer.role}:{layer.path.rpartition('/')[2]}"


def _part(layer: Layer, item: Contents) -> Component:
    file_name = layer.path.rpartition("/")[2]
    if layer.role == "agent":
        return Component(
            name=file_name,
            version=installed_version(),
            type=ComponentType.APPLICATION,
            bom_ref=_part_ref(layer),
            hashes=_sha256(layer.digest),
            licenses=_licenses("Apache-2.0"),
        )
    package, version, _, _ = parse_wheel_filename(file_name)
    return Component(
        name=package,
        version=str(version),
        type=ComponentType.LIBRARY,
        bom_ref=_part_ref(layer),
        hashes=_sha256(layer.digest),
        purl=PackageURL("pypi", None, package, str(version), {"file_name": file_name}),
        licenses=_licenses(license_of_wheel(item.variant.wheels[file_name])),
    )


def _add_model_cards(
    document: dict[str, Any], inputs: ReleaseInputs, listed: list[Contents], datasets: list[Component]
) -> None:
    """Model cards are in CycloneDX since 1.5 and not yet in the library's model: they are set in its output."""
    cards = {f"model:{item.target_name}": item for item in listed}
    for component in document["components"]:
        item = cards.get(component.get("bom-ref"))
        if item is None:
            continue
        parameters: dict[str, Any] = {
            "task": inputs.blueprint.spec.model.task,
            "datasets": [{"ref": str(dataset.bom_ref)} for dataset in datasets],
        }
        if item.model_architecture:
            parameters["modelArchitecture"] = item.model_architecture
        measured = [gate for gate in item.variant.gates if gate.get("value") is not None]
        component["modelCard"] = {
            "modelParameters": parameters,
            "quantitativeAnalysis": {
                "performanceMetrics": [
                    {"type": str(gate["metric"]), "value": f"{float(gate['value']):.10g}", "slice": item.target_name}
                    for gate in sorted(measured, key=lambda gate: str(gate["metric"]))
                ]
            },
        }
