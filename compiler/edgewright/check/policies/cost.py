"""Cost: what an expression may not do, because evaluating it could take long.

Pure. The library ends loops after 10,000 steps, typing leaves no lists that are compared or joined; what is left to
bound are nested loops and regular expressions, which are compiled anew whenever they are matched.
"""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.policies.syntax import Node
from edgewright.check.policies.typing import Problem

DEEPEST_LOOP = 2
MOST_PATTERNS = 4
LONGEST_PATTERN = 100
# repetitions that are written out and classes of Unicode make a short pattern a large automaton
_LARGE = ("{", "\\p", "\\P", "(?")


def check_cost(root: Node) -> Iterator[Problem]:
    """Everything about an expression that could make it run long."""
    if root.depth > DEEPEST_LOOP:
        yield Problem(0, f"loops are nested {root.depth} deep, {DEEPEST_LOOP} allowed")
    patterns = [node for node in root.walk() if node.what == "call" and node.name == "matches"]
    for node in patterns[MOST_PATTERNS:]:
        yield Problem(node.offset, f"{len(patterns)} patterns are matched, {MOST_PATTERNS} allowed in a rule")
    for loop in (node for node in root.walk() if node.what == "loop"):
        for node in loop.walk():
            if node.what == "call" and node.name == "matches":
                yield Problem(node.offset, "a pattern is matched in a loop", "judge each one by itself: each: target")
    for node in patterns:
        yield from _pattern(node)


def _pattern(node: Node) -> Iterator[Problem]:
    pattern = node.children[-1]
    if pattern.what != "constant":
        yield Problem(pattern.offset, "a pattern is written out, it is no value")
    elif len(pattern.text) > LONGEST_PATTERN:
        yield Problem(pattern.offset, f"a pattern has {len(pattern.text)} characters, {LONGEST_PATTERN} allowed")
    else:
        found = next((word for word in _LARGE if word in pattern.text), None)
        if found is not None:
            yield Problem(pattern.offset, f"{found} makes a pattern large and is not allowed in one")
