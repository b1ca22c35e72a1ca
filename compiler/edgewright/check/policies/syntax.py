"""Syntax: the tree of a compiled expression, decoded from the bytes that the CEL library serialises it to.

Pure. Reads the few fields of `cel.expr.CheckedExpr` (checked.proto, syntax.proto of the CEL specification) that are
needed: the protobuf package, which would bring them as classes, is not otherwise used by the compiler.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_CONSTANTS = {1: "null", 2: "truth", 3: "whole", 4: "whole", 5: "number", 6: "text", 7: "bytes"}


@dataclass(frozen=True, slots=True)
class Node:
    """One node: `what` it is, its name (of an identifier, member or function), its children in a fixed order.

    Children: of a member its operand; of a call its arguments, after the target of a method; of a comprehension its
    range, accumulator, condition, step and result. `offset` counts characters of the expression.
    """

    what: str
    offset: int
    name: str = ""
    text: str = ""
    children: tuple[Node, ...] = ()
    accumulator: str = ""

    def walk(self) -> Iterator[Node]:
        """This node and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()

    @property
    def depth(self) -> int:
        """How many loops are nested in each other, at most. One over the result of another is not nested in it."""
        if self.what != "loop":
            return max((child.depth for child in self.children), default=0)
        over, *body = self.children
        return max(over.depth, 1 + max(child.depth for child in body))


def decode(serialised: bytes) -> Node:
    """The tree of what `Expression.serialize` gave: a `google.protobuf.Any` that holds a `CheckedExpr`."""
    checked = _only(serialised, 2)
    offsets = {}
    for entry in _all(_only(checked, 5), 4):
        pair = {number: value for number, value in _fields(entry) if isinstance(value, int)}
        offsets[pair.get(1, 0)] = pair.get(2, 0)
    return _node(_only(checked, 4), offsets)


def _node(data: bytes, offsets: dict[int, int]) -> Node:
    offset = 0
    for number, value in _fields(data):
        if number == 2 and isinstance(value, int):
            offset = offsets.get(value, 0)
        elif isinstance(value, bytes) and number in _READERS:
            return _READERS[number](value, offset, offsets)
    return Node("nothing", offset)


def _constant(data: bytes, offset: int, _: dict[int, int]) -> Node:
    for number, value in _fields(data):
        text = value.decode(errors="replace") if isinstance(value, bytes) and number == 6 else str(value)
        return Node("constant", offset, name=_CONSTANTS.get(number, "other"), text=text)
    return Node("constant", offset, name="null")


def _identifier(data: bytes, offset: int, _: dict[int, int]) -> Node:
    return Node("identifier", offset, name=_only(data, 1).decode())


def _member(data: bytes, offset: int, offsets: dict[int, int]) -> Node:
    is_test = any(number == 3 and value for number, value in _fields(data))
    children = (_node(_only(data, 1), offsets),)
    return Node("has" if is_test else "member", offset, name=_only(data, 2).decode(), children=children)


def _call(data: bytes, offset: int, offsets: dict[int, int]) -> Node:
    children = tuple(_node(child, offsets) for child in (*_all(data, 1), *_all(data, 3)))
    return Node("call", offset, name=_only(data, 2).decode(), children=children)


def _list(data: bytes, offset: int, offsets: dict[int, int]) -> Node:
    return Node("list", offset, children=tuple(_node(child, offsets) for child in _all(data, 1)))


def _struct(_: bytes, offset: int, __: dict[int, int]) -> Node:
    return Node("struct", offset)


def _loop(data: bytes, offset: int, offsets: dict[int, int]) -> Node:
    children = tuple(_node(_only(data, number), offsets) for number in (2, 4, 5, 6, 7))
    return Node("loop", offset, _only(data, 1).decode(), "", children, _only(data, 3).decode())


_READERS = {3: _constant, 4: _identifier, 5: _member, 6: _call, 7: _list, 8: _struct, 9: _loop}


def _only(data: bytes, number: int) -> bytes:
    return next(iter(_all(data, number)), b"")


def _all(data: bytes, number: int) -> list[bytes]:
    return [value for found, value in _fields(data) if found == number and isinstance(value, bytes)]


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Numbers and values of a message in the protobuf wire format."""
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        kind = tag & 7
        if kind == _VARINT:
            number, position = _varint(data, position)
            yield tag >> 3, number
            continue
        if kind == _BYTES:
            size, position = _varint(data, position)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise ValueError(f"wire type {kind} is not of proto3")
        yield tag >> 3, data[position : position + size]
        position += size


def _varint(data: bytes, position: int) -> tuple[int, int]:
    result = shift = 0
    while True:
        byte = data[position]
        position += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, position
        shift += 7
