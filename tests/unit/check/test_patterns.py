"""No text, whatever it is, keeps a regular expression busy: 100,000 characters take less than 50 ms.

Every pattern of the compiler is tried: those that modules hold, and those in the fields of documents.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import edgewright
from edgewright.spec.v1alpha1 import documents as alpha
from edgewright.spec.v1beta1 import documents as beta

_LENGTH = 100_000
_ALLOWED_S = 0.05
_PIECES = (
    *"aA0 \t\n-./:'{[=_\\",
    "$(",
    "a-",
    "a.",
    "/a",
    "1e",
    "://",
    "://a:",
    "a:b@",
    " ssh-a",
    "-----BEGIN ",
    "apiVersion:",
    "\napiVersion ",
    "# edgewright: allow a because ",
)
"""What attacks are made of: letters and marks that repetitions in patterns fight over."""
_ENDS = ("", "!")
_GUARDED = {"edgewright.load.inventory.plain._PAIRS"}
"""Only looks at what another pattern of its module has matched as a whole, so every match begins where one ended."""
_FRAMEWORKS = re.compile(r"\.worker\b|\.rollout\.runner$")
"""Modules that import a framework which is not installed beside the compiler."""


def _module_patterns() -> Iterator[tuple[str, re.Pattern[Any]]]:
    for info in pkgutil.walk_packages(edgewright.__path__, "edgewright."):
        if _FRAMEWORKS.search(info.name) or info.name.endswith("__main__"):
            continue
        module = importlib.import_module(info.name)
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern) and value.pattern:
                yield f"{info.name}.{name}", value


def _schema_patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        for value in schema.values():
            yield from _schema_patterns(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _schema_patterns(value)


def _field_patterns() -> set[str]:
    models = [model for kinds in (alpha.KINDS, beta.KINDS) for model in kinds.values()]
    return {pattern for model in models for pattern in _schema_patterns(model.model_json_schema())}


PATTERNS = {
    **{f"field {pattern}": re.compile(pattern) for pattern in sorted(_field_patterns())},
    **dict(_module_patterns()),
}


def _methods() -> dict[str, set[str]]:
    """How the compiler uses the patterns that its modules hold: name of the pattern to names of methods."""
    found: dict[str, set[str]] = {}
    for path in Path(edgewright.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                found.setdefault(node.value.id, set()).add(node.attr)
    return found


_USED = _methods()


def _ways(name: str) -> list[str]:
    """`fullmatch`, `match` and `search`, as far as they are used; `sub` and others look everywhere like `search`."""
    used = _USED.get(name.rpartition(".")[2], set())
    ways = [way for way in ("fullmatch", "match") if way in used]
    return ways + (["search"] if used & {"search", "sub", "findall", "finditer", "split"} or not ways else [])


def _time(pattern: re.Pattern[Any], attack: tuple[str, str, str], length: int) -> float:
    piece, end, way = attack
    text = (piece * (length // len(piece) + 1))[:length] + end
    data: Any = text.encode() if isinstance(pattern.pattern, bytes) else text
    begun = time.process_time()
    getattr(pattern, way)(data)
    return time.process_time() - begun


@pytest.mark.parametrize("name", sorted(PATTERNS.keys() - _GUARDED))
def test_a_pattern_takes_no_time_for_a_long_text(name: str) -> None:
    pattern = PATTERNS[name]
    ways = ["search"] if name.startswith("field ") else _ways(name)
    # what is bad would run for hours over the whole: all attacks are tried on a fiftieth, the worst on more and more
    short = {attack: _time(pattern, attack, _LENGTH // 50) for attack in product(_PIECES, _ENDS, ways)}
    for attack in sorted(short, key=lambda attack: short[attack])[-2:]:
        assert _time(pattern, attack, _LENGTH // 10) <= _ALLOWED_S / 5, f"{attack}, a tenth of the text"
        assert _time(pattern, attack, _LENGTH) <= _ALLOWED_S, f"{attack}"


def test_patterns_of_modules_and_fields_are_found() -> None:
    assert len(PATTERNS) > 60
    assert any(name.endswith("tree._SAYS_SO") for name in PATTERNS)
    assert any("per target" in name for name in PATTERNS)
