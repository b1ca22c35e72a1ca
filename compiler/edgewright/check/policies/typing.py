"""Typing: what an expression is, and everything in it that cannot be right, found before it is ever evaluated.

Pure. Stricter than CEL on purpose, so that a misspelt member is no silent "never true" and no rule can be made to run
long: every member and function is known, lists and mappings are neither compared nor joined, loops nest twice at most.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edgewright.check.policies.shapes import (
    MIXED,
    NOTHING,
    NUMBER,
    TEXT,
    TRUTH,
    WHOLE,
    WRONG,
    Shape,
    list_of,
    unite,
)
from edgewright.check.policies.syntax import Node
from edgewright.kernel.diagnostics import did_you_mean

_CONSTANTS = {"truth": TRUTH, "whole": WHOLE, "number": NUMBER, "text": TEXT}
_SYMBOLS = {"_&&_": "&&", "_||_": "||", "!_": "!", "@not_strictly_false": "a loop"}
_ORDERS = {"_<_": "<", "_<=_": "<=", "_>_": ">", "_>=_": ">="}
_SUMS = {"_+_": "+", "_-_": "-", "_*_": "*", "_/_": "/", "_%_": "%"}
_TEXT_TESTS = ("contains", "endsWith", "matches", "startsWith")
_CONVERSIONS = {"double": NUMBER, "int": WHOLE, "string": TEXT}
FUNCTIONS = (*_TEXT_TESTS, "size", *_CONVERSIONS)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at a character of an expression."""

    offset: int
    message: str
    hint: str | None = None


@dataclass(slots=True)
class Typed:
    """One reading of an expression: the variables it may use, and what is wrong with it so far."""

    variables: Mapping[str, Shape]
    problems: list[Problem] = field(default_factory=list)

    def shape(self, node: Node) -> Shape:
        """The shape of a node; WRONG after a problem, so that one mistake is reported once."""
        if node.what == "constant":
            return _CONSTANTS.get(node.name) or self._wrong(node, f"{node.name} has no place in a rule", "use has(…)")
        if node.what == "identifier":
            # an unknown name was refused by the compiler
            return self._known(node, self.variables.get(node.name, WRONG))
        if node.what == "has":
            return TRUTH if self._member(node) is not WRONG else WRONG
        if node.what == "member":
            return self._known(node, self._member(node))
        if node.what == "list":
            return self._list(node)
        if node.what == "loop":
            return self._loop(node)
        if node.what == "call":
            return self._call(node)
        return self._wrong(node, "a rule makes no mappings", "compare the members one by one")

    def _wrong(self, node: Node, message: str, hint: str | None = None) -> Shape:
        self.problems.append(Problem(node.offset, message, hint))
        return WRONG

    def _known(self, node: Node, shape: Shape) -> Shape:
        return shape if shape is not MIXED else self._wrong(node, f"{written(node)} is {MIXED}: no rule can judge it")

    def _member(self, node: Node) -> Shape:
        owner = self.shape(node.children[0])
        if owner.kind == "mapping":
            if node.name in owner.members:
                return owner.members[node.name]
            hint = did_you_mean(node.name, owner.members)
            self.problems.append(Problem(node.offset + 1, f"{written(node.children[0])} has no {node.name!r}", hint))
            return WRONG
        if owner.kind == "map" and owner.element is not None:
            return owner.element
        if owner is WRONG:
            return WRONG
        return self._wrong(node, f"{written(node.children[0])} is {owner}, it has no {node.name!r}")

    def _list(self, node: Node) -> Shape:
        element = NOTHING
        for child in node.children:
            found = self.shape(child)
            united = unite(element, found)
            if united is None:
                return self._wrong(child, f"a list of {element} holds {found}", "write entries of one type")
            element = united
        return list_of(element)

    def _loop(self, node: Node) -> Shape:
        over, start, condition, step, result = node.children
        domain = self.shape(over)
        if domain.kind == "list" and domain.element is not None:
            element = domain.element
        elif domain.kind == "map":
            element = TEXT
        elif domain is WRONG:
            return WRONG
        else:
            return self._wrong(node, f"{written(over)} is {domain}, a list is needed")
        first = self.shape(start)
        inner = {**self.variables, node.name: element, node.accumulator: first}
        body = Typed(inner, self.problems)
        body.shape(condition)
        after = Typed({**inner, node.accumulator: unite(first, body.shape(step)) or first}, self.problems)
        return after.shape(result)

    def _call(self, node: Node) -> Shape:
        shapes = [self.shape(child) for child in node.children]
        if WRONG in shapes:
            return TRUTH if node.name in (*_SYMBOLS, *_ORDERS, *_TEXT_TESTS, "_==_", "_!=_", "@in") else WRONG
        if node.name in _SYMBOLS:
            return self._truths(node, shapes)
        if node.name in ("_==_", "_!=_"):
            return self._equal(node, shapes)
        if node.name in _ORDERS:
            is_right = all(s.is_number for s in shapes) or all(s.kind == "text" for s in shapes)
            return TRUTH if is_right else self._mismatch(node, _ORDERS[node.name], shapes)
        if node.name in _SUMS:
            return self._sum(node, shapes)
        if node.name == "_?_:_":
            return unite(shapes[1], shapes[2]) or self._mismatch(node, "?:", shapes[1:])
        others = {"@in": self._in, "_[_]": self._index}
        return others.get(node.name, self._function)(node, shapes)

    def _mismatch(self, node: Node, symbol: str, shapes: list[Shape]) -> Shape:
        return self._wrong(node, f"{symbol} is between {' and '.join(map(str, shapes))}", "compare values of one type")

    def _truths(self, node: Node, shapes: list[Shape]) -> Shape:
        for child, shape in zip(node.children, shapes, strict=True):
            if shape.kind != "truth":
                return self._wrong(child, f"{_SYMBOLS[node.name]} needs true or false, {written(child)} is {shape}")
        return TRUTH

    def _equal(self, node: Node, shapes: list[Shape]) -> Shape:
        first, second = shapes
        if not (first.is_plain and second.is_plain) or unite(first, second) is None:
            return self._mismatch(node, "==" if node.name == "_==_" else "!=", shapes)
        for shape, other in ((first, node.children[1]), (second, node.children[0])):
            self._words(shape, other)
        return TRUTH

    def _words(self, shape: Shape, node: Node) -> None:
        """A constant that is compared with text of a closed list is one of its words."""
        constants = node.children if node.what == "list" else (node,)
        for constant in constants:
            if shape.words and constant.what == "constant" and constant.text not in shape.words:
                hint = did_you_mean(constant.text, shape.words)
                self._wrong(constant, f"{constant.text!r} is never the case here", hint)

    def _in(self, node: Node, shapes: list[Shape]) -> Shape:
        first, second = shapes
        if second.kind == "map" and first.kind == "text":
            return TRUTH
        if second.kind == "list" and first.is_plain and unite(first, second.element or NOTHING) is not None:
            self._words(first, node.children[1])
            return TRUTH
        return self._mismatch(node, "in", shapes)

    def _sum(self, node: Node, shapes: list[Shape]) -> Shape:
        first, second = shapes if len(shapes) == 2 else (WRONG, WRONG)
        is_of_loop = node.children[0].what == "identifier" and node.children[0].name.startswith("@")
        if node.name == "_+_" and is_of_loop:
            return unite(first, second) or self._mismatch(node, "+", shapes)
        if node.name == "_+_" and first.kind == second.kind == "text":
            return TEXT
        # CEL adds no whole number to one that is not
        if first.is_number and first.kind == second.kind:
            return first
        return self._mismatch(node, _SUMS[node.name], shapes)

    def _index(self, node: Node, shapes: list[Shape]) -> Shape:
        owner, key = shapes
        wanted = "text" if owner.kind == "map" else "whole"
        if owner.kind in ("map", "list") and owner.element is not None and key.kind == wanted:
            return owner.element
        return self._wrong(node, f"{written(node.children[0])} is {owner}, it has no [{key}]")

    def _function(self, node: Node, shapes: list[Shape]) -> Shape:
        name = node.name
        if name in _TEXT_TESTS and [s.kind for s in shapes] == ["text", "text"]:
            return TRUTH
        if name == "size" and len(shapes) == 1 and shapes[0].kind in ("text", "list", "map"):
            return WHOLE
        if name in _CONVERSIONS and len(shapes) == 1 and shapes[0].is_plain:
            return _CONVERSIONS[name]
        if name == "-_" and shapes[0].is_number:
            return shapes[0]
        if name in FUNCTIONS:
            return self._wrong(node, f"{name} does not take {' and '.join(map(str, shapes))}")
        hint = did_you_mean(name, FUNCTIONS)
        return self._wrong(node, f"{name} is no function of a rule", hint)


def written(node: Node) -> str:
    """A node as it was written, as far as it is names and members."""
    if node.what == "identifier":
        return node.name
    if node.what in ("member", "has"):
        return f"{written(node.children[0])}.{node.name}"
    return "this" if node.what != "constant" else repr(node.text)


def chains(node: Node) -> list[tuple[str, ...]]:
    """The names and members that an expression reads, longest first within each, in the order they are written."""
    found: list[tuple[str, ...]] = []
    for part in sorted(node.walk(), key=lambda n: n.offset):
        if part.what in ("identifier", "member", "has"):
            names = tuple(written(part).split("."))
            if "this" not in names and not names[0].startswith("@"):
                found = [known for known in found if known != names[: len(known)]]
                found.append(names)
    return found
