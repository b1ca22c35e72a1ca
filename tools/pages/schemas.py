"""`docs/reference/schemas.md`: every key of every kind of document, from the JSON Schemas that editors use."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tools.pages.tables import table

from edgewright.spec.schemas import schema_of
from edgewright.spec.v1beta1.documents import KINDS

PATH = "reference/schemas.md"
_HEAD = """# Documents

Every key of every kind of document, in the newest API version. `source(wheel).package` is the key `package` of a source
whose `type` is `wheel`. `edgewright schema` prints the JSON Schemas, which also lie in `blueprints/schema` for editors;
[writing blueprints](../writing-blueprints.md) says what the keys are for.
"""
_DEEPEST = 12


def page() -> str:
    """One section a kind."""
    return _HEAD + "".join(_section(kind) for kind in sorted(KINDS))


def _section(kind: str) -> str:
    schema = schema_of(kind)
    rows = [
        (f"`{path}`", kind_of, default, description)
        for path, kind_of, default, description in _keys(schema, schema.get("$defs", {}), "", 0)
    ]
    return f"\n## {kind}\n\n{schema.get('description', '')}\n\n" + table(["key", "value", "default", "meaning"], rows)


def _keys(
    schema: dict[str, Any], definitions: dict[str, Any], prefix: str, depth: int
) -> Iterator[tuple[str, str, str, str]]:
    required = schema.get("required", ())
    for name, body in schema.get("properties", {}).items():
        path = f"{prefix}{name}"
        members = [_resolved(member, definitions) for member in _members(body)]
        default = "required" if name in required else _shown(body["default"]) if "default" in body else ""
        words = body.get("description") or _described(members)
        yield path, " or ".join(dict.fromkeys(_word(m, definitions) for m in members)), default, words
        if depth < _DEEPEST:
            is_choice = sum("properties" in member for member in members) > 1
            for member in members:
                choice = f"({_type_of(member)})" if is_choice and _type_of(member) else ""
                yield from _below(member, definitions, path + choice, depth)


def _described(members: list[dict[str, Any]]) -> str:
    """What a key means that says nothing itself: what its shape says; of several shapes, which there are."""
    types = [_type_of(member) for member in members]
    if len(members) > 1 and all(types):
        return f"one of {len(types)} types: {', '.join(types)}"
    return " or: ".join(dict.fromkeys(member["description"] for member in members if "description" in member))


def _type_of(member: dict[str, Any]) -> str:
    """What `type` says in one of several shapes, such as the sources of a model."""
    return str(member.get("properties", {}).get("type", {}).get("const", ""))


def _below(
    member: dict[str, Any], definitions: dict[str, Any], path: str, depth: int
) -> Iterator[tuple[str, str, str, str]]:
    if "properties" in member:
        yield from _keys(member, definitions, f"{path}.", depth + 1)
    elif member.get("type") == "array":
        for item in _members(member.get("items", {})):
            resolved = _resolved(item, definitions)
            if "properties" in resolved:
                yield from _keys(resolved, definitions, f"{path}[].", depth + 1)


def _members(body: dict[str, Any]) -> list[dict[str, Any]]:
    for key in ("anyOf", "oneOf"):
        if key in body:
            return [member for option in body[key] if option.get("type") != "null" for member in _members(option)]
    return [body]


def _resolved(body: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    reference = body.get("$ref")
    return definitions[reference.rsplit("/", 1)[1]] if isinstance(reference, str) else body


def _word(body: dict[str, Any], definitions: dict[str, Any]) -> str:
    if "const" in body:
        return f"`{body['const']}`"
    if "enum" in body:
        return ", ".join(f"`{value}`" for value in body["enum"])
    kind = body.get("type", "any")
    if kind == "array":
        inner = [_word(_resolved(member, definitions), definitions) for member in _members(body.get("items", {}))]
        return f"list of {' or '.join(dict.fromkeys(inner))}"
    word = " or ".join(kind) if isinstance(kind, list) else {"object": "mapping", "string": "text"}.get(kind, kind)
    return f"{word}, such as `{body['examples'][0]}`" if body.get("examples") else word


def _shown(default: Any) -> str:
    return "" if default is None else f"`{json.dumps(default, ensure_ascii=False)}`"
