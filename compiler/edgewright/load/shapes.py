"""Shapes: which keys a document may have at a place, read from the models themselves, for did-you-mean.

Pure. Follows pydantic's error locations, in which the tags of unions appear between keys.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from edgewright.spec.base import Model


def keys_at(model: type[Model], location: Iterable[str | int]) -> tuple[str, ...]:
    """Keys (as written in YAML) that are allowed in the mapping at a location; empty where any key is."""
    shapes: list[Any] = [model]
    for part in location:
        inner = [found for shape in shapes for found in _step(shape, part)]
        if inner:
            shapes = inner
        elif isinstance(part, str):
            shapes = [shape for shape in shapes if _has_tag(shape, part)] or shapes
    return tuple(sorted({key for shape in shapes for key in _fields(shape)}))


def _fields(shape: Any) -> dict[str, Any]:
    if not (isinstance(shape, type) and issubclass(shape, Model)):
        return {}
    return {field.alias or name: field.annotation for name, field in shape.model_fields.items()}


def _step(shape: Any, part: str | int) -> list[Any]:
    if isinstance(part, str):
        fields = _fields(shape)
        if part in fields:
            return _unwrap(fields[part])
        if get_origin(shape) in (dict, Mapping):
            return _unwrap(get_args(shape)[1])
        return []
    if get_origin(shape) in (tuple, list):
        return _unwrap(get_args(shape)[0])
    return []


def _unwrap(annotation: Any) -> list[Any]:
    """The alternatives of an annotation, without Annotated and Optional."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _unwrap(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return [shape for member in get_args(annotation) for shape in _unwrap(member)]
    return [] if annotation is type(None) else [annotation]


def _has_tag(shape: Any, tag: str) -> bool:
    return any(
        get_origin(annotation) is Literal and tag in get_args(annotation) for annotation in _fields(shape).values()
    )
