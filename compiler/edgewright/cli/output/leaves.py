"""Draws leaves of a document as YAML in blocks: one leaf a line, what is said of each as a comment, aligned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from edgewright.load.provenance import Leaf

_WIDEST = 72
"""Longer lines do not move the comments of the others."""
_NO_FOLD = 1 << 20
_Line = tuple[str, int | None]
"""Text, and the number of the leaf that it holds."""


def yaml_lines(leaves: Sequence[Leaf], said: Sequence[str]) -> list[str]:
    """The lines of a document; `said` has a comment for each leaf, or nothing."""
    tree: dict[str, Any] = {}
    for number, leaf in enumerate(leaves):
        _put(tree, leaf, number)
    lines = [(text, said[number] if number is not None else "") for text, number in _drawn(tree, leaves)]
    width = max((len(text) for text, comment in lines if comment and len(text) <= _WIDEST), default=0)
    return [f"{text:<{width}}  # {comment}" if comment else text for text, comment in lines]


class _Number(int):
    """The number of a leaf, as no value of a document can be one."""


def _put(tree: Any, leaf: Leaf, number: int) -> None:
    """Put a leaf into a tree of mappings; positions of lists are keys in it."""
    for part in leaf.path[:-1]:
        tree = tree.setdefault(part, {})
    tree[leaf.path[-1]] = _Number(number)


def _drawn(tree: dict[Any, Any], leaves: Sequence[Leaf]) -> Iterator[_Line]:
    for key, value in tree.items():
        head = "- " if isinstance(key, int) else f"{_scalar(key)}: "
        if isinstance(value, _Number):
            yield head + _scalar(leaves[value].value), int(value)
        elif isinstance(key, int):
            for position, (text, number) in enumerate(_drawn(value, leaves)):
                yield ("  " if position else head) + text, number
        else:
            yield head.rstrip(), None
            yield from (("  " + text, number) for text, number in _drawn(value, leaves))


def _scalar(value: Any) -> str:
    """A value in one line: what is not plain is escaped, so a document cannot draw on a terminal."""
    style = '"' if isinstance(value, str) and not value.isprintable() else None
    dumped = yaml.safe_dump(value, default_flow_style=True, default_style=style, width=_NO_FOLD, allow_unicode=True)
    return str(dumped).removesuffix("...\n").rstrip("\n")
