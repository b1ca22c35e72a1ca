"""JSON Schemas of the documents, for editors and other tools; generated from the models.

Pure. Values with a unit are text in a document and numbers in a model: their defaults are written as text here.
"""

from __future__ import annotations

import json
from typing import Any

from edgewright.spec.parts import PATCHED, with_parts
from edgewright.spec.versions import NEWEST, kinds_of, short

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


def file_name(kind: str, version: str = NEWEST) -> str:
    """`blueprint.v1beta1.json`."""
    return f"{kind.lower()}.{short(version)}.json"


def schema_of(kind: str, version: str = NEWEST) -> dict[str, Any]:
    """The schema of a kind of document."""
    schema = kinds_of(version)[kind].model_json_schema(by_alias=True)
    if kind == "Overlay":
        schema = with_parts(
            schema, {name: kinds_of(version)[name].model_json_schema(by_alias=True) for name in PATCHED}
        )
    schema = _as_written(schema)
    return {"$schema": DIALECT, "$id": f"https://edgewright.dev/schema/{file_name(kind, version)}", **schema}


def schema_bytes(kind: str, version: str = NEWEST) -> bytes:
    """The schema as a file."""
    return (json.dumps(schema_of(kind, version), indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _as_written(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_written(item) for item in value]
    if not isinstance(value, dict):
        return value
    # pydantic's titles only repeat the names
    result = {key: _as_written(item) for key, item in value.items() if key != "title" or not isinstance(item, str)}
    if result.get("type") == "string":
        for bound in _BOUNDS:
            result.pop(bound, None)
        default = result.get("default")
        if isinstance(default, int | float):
            result["default"] = with_unit(default, str(result.get("examples", [""])[0]))
    return result


def with_unit(number: float, example: str) -> str:
    """A number of a model as it is written in a document, in the unit of an example."""
    if example.endswith("%"):
        return f"{number * 100:g}%"
    if example.endswith("B"):
        return f"{number:g}B"
    for unit, seconds in (("d", 86400), ("h", 3600), ("m", 60)):
        if number and number % seconds == 0:
            return f"{number / seconds:g}{unit}"
    return f"{number:g}s"
