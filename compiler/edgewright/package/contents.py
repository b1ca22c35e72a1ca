"""The contents of a release for one target: its files as layers, its configuration and its manifest, in an OCI layout.

Owns media types, annotations, paths and modes of what a device gets (CNCF ModelPack names, our own in
`dev.edgewright.*`). Invariants: layers are in the order of their paths, each path once; a mode is fixed by the role and
never by the file system.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from edgewright.kernel.diagnostics import EdgewrightError, fail
from edgewright.kernel.digest import canonical_json
from edgewright.kernel.files import iter_files, read_bounded
from edgewright.package.agent import AGENT_NAME
from edgewright.package.inputs import ReleaseInputs, Variant
from edgewright.package.oci import LARGEST_DOCUMENT_BYTES, MANIFEST_TYPE, Descriptor, OciLayout
from edgewright.package.view import Layer, Role

ARTIFACT_TYPE = "application/vnd.cncf.model.manifest.v1+json"
CONFIG_TYPE = "application/vnd.cncf.model.config.v1+json"
WEIGHTS_TYPE = "application/vnd.cncf.model.weight.v1.raw"
WEIGHTS_CONFIG_TYPE = "application/vnd.cncf.model.weight.config.v1.raw"
CODE_TYPE = "application/vnd.cncf.model.code.v1.raw"

OCI_PLATFORMS: Mapping[str, Mapping[str, str]] = {
    "x86_64": {"os": "linux", "architecture": "amd64"},
    "aarch64": {"os": "linux", "architecture": "arm64"},
    "armv7": {"os": "linux", "architecture": "arm", "variant": "v7"},
    "riscv64": {"os": "linux", "architecture": "riscv64"},
}
"""Architectures in Go's words, which OCI uses."""

_WEIGHT_SUFFIXES = (".onnx", ".data", ".bin", ".safetensors", ".gguf", ".tflite", ".pte")
_MODES: Mapping[Role, int] = {"artifact": 0o644, "wheel": 0o644, "agent": 0o755}
_REQUIRED = ("artifact.json", "test_vector.json")


@dataclass(frozen=True, slots=True)
class Contents:
    """What was written for one target."""

    variant: Variant
    layers: tuple[Layer, ...]
    manifest: Descriptor
    quantisation: str
    model_architecture: str | None

    @property
    def target_name(self) -> str:
        """Name of the target."""
        return self.variant.target_name


def write_contents(layout: OciLayout, inputs: ReleaseInputs, variant: Variant, agent: Descriptor) -> Contents:
    """Add the files of a target to the layout, and their manifest."""
    artifact = _read_artifact(variant)
    entries: list[tuple[Layer, str]] = []
    for path, file, role in sorted(_files(variant), key=lambda entry: entry[0]):
        descriptor = layout.add_layer(file, _media_type(path, role))
        entries.append((Layer(path, role, descriptor.digest, descriptor.size, _MODES[role]), descriptor.media_type))
    path = f"agent/{AGENT_NAME}"
    entries.append((Layer(path, "agent", agent.digest, agent.size, _MODES["agent"]), agent.media_type))
    entries.sort(key=lambda entry: entry[0].path)
    layers = tuple(layer for layer, _ in entries)
    quantisation = str(artifact.get("recipe", {}).get("method") or variant.recipe)
    architecture = artifact.get("model", {}).get("architecture")
    config = _config(inputs, variant, layers, quantisation, architecture)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "artifactType": ARTIFACT_TYPE,
        "config": layout.add_document(canonical_json(config), CONFIG_TYPE).as_json(),
        "layers": [_layer_json(layer, media_type) for layer, media_type in entries],
        "annotations": manifest_annotations(inputs, variant),
    }
    descriptor = layout.add_document(canonical_json(manifest), MANIFEST_TYPE)
    if descriptor.size > LARGEST_DOCUMENT_BYTES:
        raise fail("artifact-invalid", f"the manifest of {variant.target_name} has {descriptor.size} bytes")
    return Contents(variant, layers, descriptor, quantisation, architecture)


def manifest_annotations(inputs: ReleaseInputs, variant: Variant) -> dict[str, str]:
    """What ModelPack's closed configuration has no place for."""
    return {
        "dev.edgewright.architecture": variant.target.architecture,
        "dev.edgewright.backend": variant.backend,
        "dev.edgewright.blueprint": inputs.blueprint.metadata.name,
        "dev.edgewright.recipe": variant.recipe,
        "dev.edgewright.target": variant.target_name,
        "dev.edgewright.version": inputs.blueprint.metadata.version,
    }


def _read_artifact(variant: Variant) -> Mapping[str, Any]:
    """The artifact's own description; it has to be whole and of this variant."""
    for name in _REQUIRED:
        if not (variant.artifact / name).is_file():
            raise _incomplete(variant, f"has no {name}")
    try:
        artifact = json.loads(read_bounded(variant.artifact / "artifact.json", LARGEST_DOCUMENT_BYTES))
    except ValueError:
        raise _incomplete(variant, "has an artifact.json that is not JSON") from None
    if not isinstance(artifact, dict) or artifact.get("schema") != 1:
        raise _incomplete(variant, "has an artifact.json of another schema than 1")
    for key, expected in (("backend", variant.backend), ("architecture", variant.target.architecture)):
        if artifact.get(key) != expected:
            raise _incomplete(variant, f"has {key} {str(artifact.get(key))[:60]!r}, not {expected!r}")
    return artifact


def _incomplete(variant: Variant, reason: str) -> EdgewrightError:
    return fail(
        "artifact-invalid",
        f"the artifact of {variant.target_name} ({variant.backend}, {variant.recipe}) {reason}",
        subject=variant.target_name,
        hint="run edgewright build again; if it stays so, the backend is at fault",
    )


def _files(variant: Variant) -> Iterator[tuple[str, Path, Role]]:
    for name, path in iter_files(variant.artifact):
        yield f"artifact/{name}", path, "artifact"
    for name, path in variant.wheels.items():
        try:
            parse_wheel_filename(name)
        except InvalidWheelFilename:
            raise _incomplete(variant, f"comes with {name[:80]!r}, which is not a wheel") from None
        yield f"wheels/{name}", path, "wheel"


def _media_type(path: str, role: Role) -> str:
    if role != "artifact" or path.endswith(".so"):
        return CODE_TYPE
    return WEIGHTS_TYPE if path.endswith(_WEIGHT_SUFFIXES) else WEIGHTS_CONFIG_TYPE


def _layer_json(layer: Layer, media_type: str) -> dict[str, Any]:
    marks = {
        "dev.edgewright.mode": f"{layer.mode:04o}",
        "dev.edgewright.path": layer.path,
        "dev.edgewright.role": layer.role,
        "org.cncf.model.filepath": layer.path,
    }
    return Descriptor(media_type, layer.digest, layer.size).as_json(annotations=marks)


def _config(
    inputs: ReleaseInputs, variant: Variant, layers: tuple[Layer, ...], quantisation: str, architecture: object
) -> dict[str, Any]:
    """ModelPack's configuration. The layers are raw files, so their diff ids are their digests."""
    metadata = inputs.blueprint.metadata
    licenses = [entry.license for entry in inputs.lock.spec.entries if entry.kind == "model" and entry.license]
    descriptor: dict[str, Any] = {"name": metadata.name, "version": metadata.version, "licenses": licenses}
    if isinstance(architecture, str):
        descriptor["family"] = architecture
    if inputs.commit is not None:
        descriptor["revision"] = inputs.commit
    outputs = ["embedding"] if inputs.blueprint.spec.model.task == "embeddings" else ["text"]
    return {
        "descriptor": descriptor,
        "modelfs": {"type": "layers", "diffIds": [layer.digest for layer in layers]},
        "config": {
            "architecture": "transformer",
            "format": variant.backend,
            "quantization": quantisation,
            "capabilities": {"inputTypes": ["text"], "outputTypes": outputs},
        },
    }
