"""Shapes: the types of expressions, read from the models and facts that expressions see.

Pure. A shape is as strict as the model: unknown members do not exist, and text of a closed list knows its list. What
has several types has the shape MIXED, which nothing can be done with.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass, field, is_dataclass
from datetime import date
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic.alias_generators import to_camel

from edgewright.spec.base import Model


@dataclass(frozen=True, slots=True)
class Shape:
    """A type: its kind; the members of a message, the element of a list or map, the words of a closed list."""

    kind: str
    members: Mapping[str, Shape] = field(default_factory=dict)
    element: Shape | None = None
    words: frozenset[str] | None = None

    def __str__(self) -> str:
        words = {"text": "text", "truth": "true or false", "whole": "a whole number", "number": "a number"}
        return words.get(self.kind, f"a {self.kind}")

    @property
    def is_number(self) -> bool:
        """Whole or not."""
        return self.kind in ("whole", "number")

    @property
    def is_plain(self) -> bool:
        """One value: text, number, or true and false."""
        return self.is_number or self.kind in ("text", "truth")


TEXT, TRUTH, WHOLE, NUMBER = Shape("text"), Shape("truth"), Shape("whole"), Shape("number")
MIXED = Shape("value of several types")
WRONG = Shape("mistake")
"""What a part is that was reported already."""
NOTHING = Shape("nothing")
_PLAIN: Mapping[Any, Shape] = {str: TEXT, bool: TRUTH, int: WHOLE, float: NUMBER, date: TEXT}


def list_of(element: Shape) -> Shape:
    """A list."""
    return Shape("list", element=element)


def shape_of(annotation: Any) -> Shape:
    """The shape of an annotation of a model or of facts."""
    if isinstance(annotation, type) and (issubclass(annotation, Model) or is_dataclass(annotation)):
        return _mapping(annotation)
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return shape_of(arguments[0])
    if origin is Literal:
        return Shape("text", words=frozenset(arguments)) if all(isinstance(a, str) for a in arguments) else WHOLE
    if origin in (Union, types.UnionType):
        return _union([shape_of(member) for member in arguments if member is not type(None)])
    if origin in (tuple, list):
        return list_of(shape_of(arguments[0]))
    if origin in (dict, Mapping):
        return Shape("map", element=shape_of(arguments[1]))
    return TEXT if annotation.__module__.startswith("pydantic") else MIXED


def _mapping(kind: type) -> Shape:
    if issubclass(kind, Model):
        return Shape("mapping", {f.alias or n: shape_of(f.annotation) for n, f in kind.model_fields.items()})
    hints = get_type_hints(kind)
    return Shape("mapping", {to_camel(name): shape_of(hint) for name, hint in hints.items()})


def unite(first: Shape, second: Shape) -> Shape | None:
    """The shape that holds both, None when there is none."""
    if first.kind == "nothing":
        return second
    if second.kind == "nothing" or first == second:
        return first
    if first.is_number and second.is_number:
        return NUMBER
    if first.kind == second.kind == "text":
        words = first.words | second.words if first.words and second.words else None
        return Shape("text", words=words)
    if first.kind == second.kind == "list" and first.element is not None and second.element is not None:
        element = unite(first.element, second.element)
        return list_of(element) if element is not None else None
    return None


def _union(shapes: list[Shape]) -> Shape:
    first = shapes[0]
    if all(shape.kind == "mapping" for shape in shapes):
        members: dict[str, Shape] = {}
        for shape in shapes:
            for name, member in shape.members.items():
                members[name] = (unite(members[name], member) or MIXED) if name in members else member
        return Shape("mapping", members)
    for shape in shapes[1:]:
        united = unite(first, shape)
        if united is None:
            return MIXED
        first = united
    return first
