"""JSON Schemas of parts of documents, for the patches of an overlay: the whole document's schema with nothing required.

Pure. Models say of a patch only that it is a mapping, because it is judged when it is merged; editors should know more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from edgewright.spec.v1beta1.overlay import PatchedKind

PATCHED: tuple[str, ...] = get_args(PatchedKind)
_REFERENCE = "#/$defs/"
_PREFIX = "Part"


def with_parts(overlay: Mapping[str, Any], documents: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The schema of overlays, in which a patch is a part of a document of the kind that it names."""
    definitions = dict(overlay["$defs"])
    for schema in documents.values():
        definitions |= {_PREFIX + name: _part(body) for name, body in schema["$defs"].items()}
    patch = definitions.pop("Patch")
    definitions.pop("PatchBody")
    definitions["Patch"] = {
        "description": patch["description"],
        "anyOf": [_patch(patch, kind, schema) for kind, schema in documents.items()],
    }
    return {**overlay, "$defs": definitions}


def _patch(patch: Mapping[str, Any], kind: str, document: Mapping[str, Any]) -> dict[str, Any]:
    parts = {key: _part(document["properties"][key]) for key in ("metadata", "spec")}
    body = {"type": "object", "properties": parts, "additionalProperties": False}
    return {
        "type": "object",
        "properties": {**patch["properties"], "kind": {"const": kind}, "patch": body},
        "required": patch["required"],
        "additionalProperties": False,
    }


def _part(schema: Any) -> Any:
    """A schema with nothing required; every key may be null, which takes it away."""
    if isinstance(schema, list):
        return [_part(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "properties":
            found[key] = {name: {"anyOf": [_part(item), {"type": "null"}]} for name, item in value.items()}
        elif key == "oneOf":
            found["anyOf"] = _part(value)
        elif key == "$ref":
            found[key] = value.replace(_REFERENCE, _REFERENCE + _PREFIX)
        elif key not in ("required", "discriminator", "default", "minItems"):
            found[key] = _part(value)
    return found
